package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.parity.GoldenBlock;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "check",
        description =
                "Runs a block forward and backward on stored inputs and compares every result with the stored one: "
                        + "norm(actual - golden) / norm(golden). Exit 1 if a tensor is beyond the tolerance.")
final class CheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "VECTORS.safetensors")
    private List<Path> files;

    @Option(names = "--backend", defaultValue = "cpu", description = "cpu, cuda or reference (${DEFAULT-VALUE}).")
    private String backend;

    @Option(names = "--precision", defaultValue = "bf16", description = "bf16 or float32, on a GPU (${DEFAULT-VALUE}).")
    private BackendOptions.Precision precision;

    @Option(names = "--device", defaultValue = "0", description = "Number of the GPU.")
    private int device;

    @Option(
            names = "--tolerance",
            description = "Without it what the backend owes: 1e-12 reference, 2e-5 cpu, 2e-2 cuda in bf16.")
    private Optional<Double> tolerance = Optional.empty();

    @Option(names = "--json", description = "Print a JSON object for each tensor.")
    private boolean json;

    @Override
    public Integer call() {
        var out = spec.commandLine().getOut();
        boolean good = true;
        try (var engine = Backends.open(
                backend, new BackendOptions(BackendOptions.defaults().threads(), device, precision))) {
            double bound = tolerance.orElse(GoldenBlock.tolerance(engine));
            for (var file : files) {
                for (var error : GoldenBlock.compare(file, engine)) {
                    boolean within = error.within(bound);
                    good &= within;
                    if (json) {
                        var row = new LinkedHashMap<String, Object>();
                        row.put("file", file.toString());
                        row.put("tensor", error.name());
                        row.put("error", error.error());
                        row.put("peak", error.peak());
                        row.put("verdict", error.verdict().name());
                        row.put("within", within);
                        out.println(JsonMapper.shared().writeValueAsString(row));
                    } else {
                        out.println(String.format(
                                Locale.ROOT,
                                "%-28s %-42s %9.2e %s",
                                file.getFileName(),
                                error.name(),
                                error.error(),
                                within ? "" : "beyond %s: %s".formatted(bound, error.describe())));
                    }
                }
            }
        }
        return good ? 0 : 1;
    }
}
