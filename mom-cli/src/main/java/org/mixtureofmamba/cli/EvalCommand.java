package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.train.HeldOutEvaluation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "eval",
        description = "Losses on all held-out data, for each modality, of each run's newest checkpoint.")
final class EvalCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "RUN", description = "Run directories.")
    private List<Path> runs;

    @Option(
            names = "--set",
            paramLabel = "key=value",
            description = "Settings that replace the run's own, as backend.name=cpu.")
    private List<String> overrides = List.of();

    @Option(names = "--json", description = "Print a JSON array.")
    private boolean json;

    @Override
    public void run() {
        var rows = new ArrayList<Map<String, Object>>();
        for (var run : runs) {
            rows.add(row(HeldOutEvaluation.of(run, overrides, new PreparationProgress(System.err))));
        }
        var out = spec.commandLine().getOut();
        if (json) {
            out.println(JsonMapper.shared().writeValueAsString(rows));
            return;
        }
        for (var row : rows) {
            out.println("%s, step %s".formatted(row.get("run"), row.get("step")));
            row.forEach((key, value) -> {
                if (value instanceof Double loss) {
                    out.println(String.format(Locale.ROOT, "  %-12s %.4f", key, loss));
                }
            });
        }
    }

    private static Map<String, Object> row(HeldOutEvaluation evaluation) {
        var row = new LinkedHashMap<String, Object>();
        var losses = evaluation.losses();
        row.put("run", evaluation.run().toString());
        row.put("step", evaluation.step());
        row.put("tokens", losses.counts().total());
        row.put("loss", losses.mean());
        for (var modality : Modality.values()) {
            if (modality.index() < losses.sums().size()) {
                losses.mean(modality.index()).ifPresent(loss -> row.put("loss_" + modality.key(), loss));
            }
        }
        return row;
    }
}
