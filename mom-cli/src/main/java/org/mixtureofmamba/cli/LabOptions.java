package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.eval.lab.Entrant;
import org.mixtureofmamba.eval.lab.Laboratory;
import org.mixtureofmamba.eval.lab.Plan;
import org.mixtureofmamba.eval.lab.PlannedRun;
import org.mixtureofmamba.train.TrainingListener;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What {@code mom repro} and {@code mom ablate} have in common: which runs, and which of them this process trains. */
final class LabOptions {
    private static final Duration WARM_UP = Duration.ofSeconds(1);
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./:=,+-]+");
    private static final Pattern PART = Pattern.compile("([1-9]\\d{0,5})/([1-9]\\d{0,5})");

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "SETTING", description = "chameleon or three-modality.")
    private String setting;

    @Parameters(
            index = "1..*",
            paramLabel = "key=value",
            description = "Settings of all runs, as optimizer.lr=3e-4; the recipe is in configs/repro-SETTING*.yaml.")
    private List<String> overrides = List.of();

    @Option(
            names = "--scale",
            required = true,
            split = ",",
            paramLabel = "S",
            description = "nano, tiny, 37m, ... 1.5b, or several.")
    private List<String> scales;

    @Option(
            names = "--seeds",
            defaultValue = "1",
            paramLabel = "N",
            description = "Runs of each model, seeds 0 to N-1 (${DEFAULT-VALUE}).")
    private int seeds;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where runs and report go; runs/COMMAND-SETTING without it.")
    private Optional<Path> out = Optional.empty();

    @Option(names = "--steps", paramLabel = "N", description = "Steps of each run in place of the recipe's.")
    private Optional<Long> steps = Optional.empty();

    @Option(
            names = "--data",
            paramLabel = "SOURCE",
            description = "demo, or a prepared directory or s3://BUCKET/PREFIX.")
    private Optional<String> data = Optional.empty();

    @Option(names = "--backend", description = "cpu or cuda; the recipe's without it.")
    private Optional<String> backend = Optional.empty();

    @Option(
            names = "--plan",
            description =
                    "Train nothing: print a command for each run that is not finished, and on stderr what they cost on this machine.")
    private boolean plan;

    @Option(
            names = "--only",
            paramLabel = "MODEL/SEED",
            description = "Train this run alone, as mom/0, and write no report.")
    private Optional<String> only = Optional.empty();

    @Option(
            names = "--jobs",
            paramLabel = "K/N",
            description =
                    "Train the K-th of N parts of the runs and write no report: for N processes that share them, each with its card.")
    private Optional<String> jobs = Optional.empty();

    /** The runs, checked: nothing is trained before every setting and every directory is known to be right. */
    Plan plan(List<Entrant> entrants) {
        var planned = Plan.of(
                Setting.of(setting),
                scales.stream().map(Scale::of).toList(),
                entrants,
                seeds,
                out.orElse(Path.of("runs", spec.name() + "-" + setting)),
                settings());
        planned.runs().forEach(PlannedRun::state);
        return planned;
    }

    String setting() {
        return setting;
    }

    private List<String> settings() {
        var settings = new ArrayList<String>();
        steps.ifPresent(n -> settings.add("steps=" + n));
        data.ifPresent(source -> settings.add("data.source=" + source));
        backend.ifPresent(name -> settings.add("backend.name=" + name));
        settings.addAll(overrides);
        return settings;
    }

    /**
     * Prints the plan or trains.
     *
     * @return whether the whole experiment is to be reported now
     */
    boolean train(Plan planned) {
        var chosen = chosen(planned);
        var err = spec.commandLine().getErr();
        if (plan) {
            printPlan(planned, chosen);
            return false;
        }
        try (var stop = new Interruption()) {
            var left = new Laboratory(new Bench(), stop, WARM_UP).train(chosen);
            if (stop.getAsBoolean()) {
                err.println("mom: stopped; the same command goes on");
                return false;
            }
            if (!left.isEmpty()) {
                err.println("mom: left to the process that has it: "
                        + String.join(", ", left.stream().map(PlannedRun::title).toList()));
            }
        }
        boolean whole = only.isEmpty() && jobs.isEmpty();
        if (!whole) {
            err.println("mom: this part is done; the command without --only and --jobs makes the report");
        }
        return whole;
    }

    private List<PlannedRun> chosen(Plan planned) {
        if (only.isPresent() && jobs.isPresent()) {
            throw new UserException("--only and --jobs exclude each other; leave one of them out");
        }
        if (only.isPresent()) {
            return planned.only(only.get());
        }
        if (jobs.isPresent()) {
            var part = PART.matcher(jobs.get());
            if (!part.matches() || Integer.parseInt(part.group(1)) > Integer.parseInt(part.group(2))) {
                throw new UserException("--jobs %s; write K/N with K from 1 to N, as 1/2".formatted(jobs.get()));
            }
            return planned.part(Integer.parseInt(part.group(1)), Integer.parseInt(part.group(2)));
        }
        return planned.runs();
    }

    private void printPlan(Plan planned, List<PlannedRun> chosen) {
        for (var run : chosen) {
            if (run.state() != PlannedRun.State.FINISHED) {
                spec.commandLine().getOut().println(command(planned, run));
            }
        }
        spec.commandLine().getOut().flush();
        try {
            new Bench().says(new Laboratory(new Bench(), () -> false, WARM_UP).cost(chosen));
        } catch (MomException e) {
            new Bench().says("what the plan costs cannot be measured here: " + e.getMessage());
        }
    }

    /** What a process runs that trains this run alone. */
    private String command(Plan planned, PlannedRun run) {
        var words = new ArrayList<>(
                List.of("mom", spec.name(), setting, "--scale", run.scale().key()));
        words.addAll(List.of("--seeds", Integer.toString(planned.seeds())));
        if (spec.findOption("--models") != null) {
            words.addAll(List.of(
                    "--models",
                    String.join(
                            ",", planned.entrants().stream().map(Entrant::name).toList())));
        }
        words.addAll(List.of("--out", planned.out().toString(), "--only", run.name()));
        words.addAll(settings());
        return String.join(" ", words.stream().map(LabOptions::quoted).toList());
    }

    private static String quoted(String word) {
        return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** Says all on stderr. */
    private static final class Bench implements Laboratory.Bench {
        @Override
        public void says(String line) {
            System.err.println("mom: " + line);
        }

        @Override
        public void watch(PlannedRun run, Consumer<TrainingListener> training) {
            try (var progress = new TrainingProgress(run.title(), System.err)) {
                training.accept(progress);
            }
        }

        @Override
        public PrepareProgress preparing() {
            return new PreparationProgress(System.err);
        }
    }
}
