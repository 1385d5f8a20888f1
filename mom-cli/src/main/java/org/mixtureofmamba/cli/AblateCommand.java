package org.mixtureofmamba.cli;

import org.mixtureofmamba.eval.lab.Ablation;
import org.mixtureofmamba.eval.lab.Entrant;
import org.mixtureofmamba.eval.report.AblationReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "ablate",
        description =
                "Which projections must be split: trains the 16 combinations of in, x, dt and out with each seed, goes on with what was "
                        + "broken off, and reports gains, single against joint, effects and interactions. Says first what it costs.")
final class AblateCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LabOptions lab;

    @Override
    public void run() {
        var plan = lab.plan(Entrant.everySplit());
        if (lab.train(plan)) {
            var report = new AblationReport(
                    "Split projections, setting " + lab.setting(),
                    ReproCommand.comparisons(plan, spec).stream()
                            .map(Ablation::of)
                            .toList());
            spec.commandLine().getOut().print(report.text());
            spec.commandLine().getOut().flush();
            spec.commandLine()
                    .getErr()
                    .println("mom: the report is " + report.write(plan.out()).report());
        }
    }
}
