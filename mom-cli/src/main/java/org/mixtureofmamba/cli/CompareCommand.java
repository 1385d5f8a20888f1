package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Confirmation;
import org.mixtureofmamba.eval.LossKind;
import org.mixtureofmamba.eval.report.Report;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "compare",
        description =
                "What runs needed to reach the loss at which a baseline ended: table, plots and report. A run is its directory, or a "
                        + "directory of one run for each seed; metrics.csv is all it must hold. What cannot be compared is named and left out.")
final class CompareCommand implements Runnable {
    private static final Duration WARM_UP = Duration.ofSeconds(1);

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "BASELINE", description = "The run whose loss is to be reached.")
    private Path baseline;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "RUN", description = "Runs compared with it.")
    private List<Path> runs;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where the report goes.")
    private Path out;

    @Option(names = "--title", description = "Of the report.", defaultValue = "Matched loss")
    private String title;

    @Option(
            names = "--window",
            paramLabel = "SHARE",
            description =
                    "Share of the run from whose end the gain in training loss is taken (${DEFAULT-VALUE}); the report shows half and one "
                            + "and a half of it too.",
            defaultValue = "0.2")
    private double window;

    @Option(
            names = "--confirm",
            arity = "0..1",
            paramLabel = "LOSS",
            fallbackValue = "all",
            description =
                    "Train each run's model once more for its matched share of steps, by the match of text, image, speech or all "
                            + "(all), and say whether it ends at the baseline's loss. Its runs go to DIR/confirm.")
    private Optional<String> confirm = Optional.empty();

    @Option(names = "--json", description = "Print one JSON object instead of the table.")
    private boolean json;

    @Override
    public void run() {
        var comparison = Comparison.of(baseline, runs, Comparison.Options.DEFAULT.withTail(window));
        var report = new Report(title, List.of(comparison), List.of(), confirmations(comparison));
        ReportPrinter.print(report, report.write(out), json, spec.commandLine());
    }

    private List<Confirmation> confirmations(Comparison comparison) {
        var tried = new ArrayList<Confirmation>();
        if (confirm.isEmpty()) {
            return tried;
        }
        var loss = LossKind.of(confirm.get());
        try (var stop = new Interruption()) {
            for (var contender : comparison.contenders()) {
                var name = contender.name().replaceAll("[^A-Za-z0-9.-]", "-");
                try (var progress = new TrainingProgress("confirm " + contender.name(), System.err)) {
                    Confirmation.of(
                                    comparison,
                                    contender,
                                    loss,
                                    out.resolve(String.format(Locale.ROOT, "confirm/%s-%s", name, loss.key())),
                                    new PreparationProgress(System.err),
                                    progress,
                                    stop,
                                    WARM_UP)
                            .ifPresent(tried::add);
                }
            }
        }
        return tried;
    }
}
