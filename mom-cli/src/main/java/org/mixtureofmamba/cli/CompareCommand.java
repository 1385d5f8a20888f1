package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.List;

import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.ReportContent;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "compare",
        description =
                "What runs needed to reach a baseline's final loss: table, plots and report. A run is its directory, or a directory of "
                        + "one run for each seed; metrics.csv is all it must hold.")
final class CompareCommand implements Runnable {
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

    @Option(names = "--json", description = "Print one JSON object instead of the table.")
    private boolean json;

    @Override
    public void run() {
        var comparison = Comparison.of(baseline, runs);
        var written = comparison.write(out, new ReportContent(title, List.of()));
        ReportPrinter.print(comparison, written, json, spec.commandLine());
    }
}
