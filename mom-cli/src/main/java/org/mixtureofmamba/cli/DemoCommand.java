package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.report.Report;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.train.ConfigReader;
import org.mixtureofmamba.train.RunConfig;
import org.mixtureofmamba.train.TrainingData;
import org.mixtureofmamba.train.TrainingRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "demo",
        description =
                "Trains a dense Mamba and a Mixture-of-Mamba on the text, images and speech that ship with the project, and reports what "
                        + "the second needed to reach the first one's loss. Broken off, it goes on where it was.")
final class DemoCommand implements Callable<Integer> {
    /** The first run pays for compiling the loops of both; without this the clock would favour the second. */
    private static final Duration WARM_UP = Duration.ofSeconds(6);

    /** What the demo compares, the baseline first. */
    static final List<RunConfig.Kind> KINDS = List.of(RunConfig.Kind.DENSE, RunConfig.Kind.MOM);

    @Spec
    private CommandSpec spec;

    @Option(names = "--out", paramLabel = "DIR", description = "Where runs and report go; runs/demo without it.")
    private Optional<Path> out = Optional.empty();

    @Option(
            names = "--quick",
            description = "About a minute: to see that everything works, not how the models compare.")
    private boolean quick;

    @Option(
            names = "--seeds",
            paramLabel = "N",
            defaultValue = "1",
            description = "Pairs of runs, seeds 0 to N-1 (${DEFAULT-VALUE}).")
    private int seeds;

    @Option(names = "--set", paramLabel = "key=value", description = "Settings of both models, as steps=600.")
    private List<String> overrides = List.of();

    @Option(names = "--json", description = "Print one JSON object instead of the table.")
    private boolean json;

    @Override
    public Integer call() {
        var directory = out.orElse(Path.of(quick ? "runs/demo-quick" : "runs/demo"));
        try (var stop = new Interruption()) {
            for (int seed = 0; seed < seeds; seed++) {
                for (var kind : KINDS) {
                    if (!train(kind, seed, directory, stop)) {
                        System.err.println("mom: stopped; the same command goes on");
                        return 0;
                    }
                }
            }
            report(directory);
            return 0;
        }
    }

    /** The run file of one model: what differs from the defaults of a run. */
    static List<String> settings(RunConfig.Kind kind, boolean quick) {
        var settings = new ArrayList<>(List.of(
                "model.kind=" + RunConfig.key(kind),
                "model.scale=128x2",
                "data.shares=[0.6, 0.28, 0.12]",
                "data.length=256",
                "data.batch=8",
                "optimizer.schedule=constant",
                "optimizer.warmup=50",
                "steps=600",
                "eval.tokens=10000",
                "checkpoint.every=200"));
        if (quick) {
            settings.addAll(List.of("model.scale=nano", "steps=100", "optimizer.warmup=20", "eval.every=50"));
        }
        return settings;
    }

    /**
     * Both models get the same everything but the split of their projections. Returns false if it was asked to stop.
     */
    private boolean train(RunConfig.Kind kind, int seed, Path directory, Interruption stop) {
        var name = RunConfig.key(kind);
        var all = new ArrayList<>(settings(kind, quick));
        all.addAll(overrides);
        all.add("seed=" + seed);
        all.add("run=" + directory.resolve(name).resolve("seed-" + seed));
        var config = new ConfigReader().of(all);
        try (var data = TrainingData.open(config, new PreparationProgress(System.err));
                var progress = new TrainingProgress(seeds == 1 ? name : name + " " + seed, System.err)) {
            return new TrainingRun(config, data, progress, stop, WARM_UP).train(true) == config.steps();
        }
    }

    private void report(Path directory) {
        var comparison = Comparison.of(
                directory.resolve("dense"), List.of(directory.resolve("mom")), Comparison.Options.DEFAULT);
        var report = new Report(
                "Mixture-of-Mamba and dense Mamba on the demo corpus",
                List.of(comparison),
                new DemoSamples(TokenizerSet.demo()).all(),
                List.of());
        ReportPrinter.print(report, report.write(directory), json, spec.commandLine());
    }
}
