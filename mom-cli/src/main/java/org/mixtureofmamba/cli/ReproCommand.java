package org.mixtureofmamba.cli;

import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.lab.Entrant;
import org.mixtureofmamba.eval.lab.Plan;
import org.mixtureofmamba.eval.report.Report;
import org.mixtureofmamba.train.RunConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "repro",
        description =
                "The paper's experiment: trains each model with each seed at each scale, goes on with what was broken off, and reports "
                        + "what each needed to reach the dense model's loss, beside the published figures. Says first what it costs.")
final class ReproCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LabOptions lab;

    @Option(
            names = "--models",
            split = ",",
            defaultValue = "dense,mom",
            description = "Of dense, mom, router, wide; dense is the baseline (${DEFAULT-VALUE}).")
    private List<RunConfig.Kind> models;

    @Option(names = "--json", description = "Print one JSON object instead of the table.")
    private boolean json;

    @Override
    public void run() {
        var plan = lab.plan(models.stream().map(Entrant::of).toList());
        if (lab.train(plan)) {
            var report =
                    new Report("Reproduction, setting " + lab.setting(), comparisons(plan, spec), List.of(), List.of());
            ReportPrinter.print(report, report.write(plan.out()), json, spec.commandLine());
        }
    }

    /** What is finished, a comparison a scale; a scale without a finished pair is said to be left out. */
    static List<Comparison> comparisons(Plan plan, CommandSpec spec) {
        var comparisons = new ArrayList<Comparison>();
        for (var scale : plan.scales()) {
            var baseline = plan.finished(scale, Entrant.DENSE);
            var others = plan.entrants().stream()
                    .filter(entrant -> !entrant.equals(Entrant.DENSE))
                    .flatMap(entrant -> plan.finished(scale, entrant).stream())
                    .toList();
            if (baseline.isEmpty() || others.isEmpty()) {
                spec.commandLine()
                        .getErr()
                        .println("mom: scale %s has no finished pair yet and is left out".formatted(scale.key()));
            } else {
                comparisons.add(Comparison.of(baseline.getFirst(), others, Comparison.Options.DEFAULT));
            }
        }
        return comparisons;
    }
}
