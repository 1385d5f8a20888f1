package org.mixtureofmamba.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.bench.TrainingStepBenchmark;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.RoutedConfig;
import org.mixtureofmamba.train.RunConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "bench",
        description =
                "Times whole training steps on synthetic batches: forward, backward, clipping, AdamW. Where a size is not given, "
                        + "a GPU gets the setting of the published measurements and a CPU a small one.")
final class BenchCommand implements Runnable {
    private static final int WARM_UP_STEPS = 5;
    /** On a CPU; what a compiled step takes, the first model of a process would otherwise not show. */
    private static final Duration REHEARSAL = Duration.ofSeconds(12);

    @Spec
    private CommandSpec spec;

    /** Of the load-balancing loss, as a run file has it by default. */
    private static final double ROUTER_BALANCE = 0.01;

    @Option(names = "--backend", defaultValue = "cpu", description = "cpu, cuda or reference (${DEFAULT-VALUE}).")
    private String backend;

    @Option(names = "--scale", defaultValue = "tiny", description = "nano, tiny, 37m, ... 1.5b (${DEFAULT-VALUE}).")
    private String scale;

    @Option(
            names = "--model",
            split = ",",
            defaultValue = "mom",
            description = "dense, mom, router, wide, or several: one after the other.")
    private List<RunConfig.Kind> models;

    @Option(names = "--length", description = "L: 4096 on a GPU, 512 elsewhere.")
    private Optional<Integer> length = Optional.empty();

    @Option(names = "--batch", description = "B: 8, or 4 from 443m on and 2 from 1.4b on.")
    private Optional<Integer> batch = Optional.empty();

    @Option(names = "--vocabulary", description = "V: 65536 on a GPU, 4096 elsewhere.")
    private Optional<Integer> vocabulary = Optional.empty();

    @Option(names = "--modalities", description = "M: 2 on a GPU, 3 elsewhere.")
    private Optional<Integer> modalities = Optional.empty();

    @Option(names = "--steps", defaultValue = "20", description = "Timed steps; the median counts (${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--recompute", defaultValue = "nothing", description = "nothing or blocks (${DEFAULT-VALUE}).")
    private Model.Recompute recompute;

    @Option(names = "--precision", defaultValue = "bf16", description = "bf16 or float32, on a GPU (${DEFAULT-VALUE}).")
    private BackendOptions.Precision precision;

    @Option(names = "--device", defaultValue = "0", description = "Number of the GPU.")
    private int device;

    @Option(names = "--threads", description = "On a CPU; all without it.")
    private Optional<Integer> threads = Optional.empty();

    @Option(names = "--json", description = "Print a JSON object for each model.")
    private boolean json;

    @Override
    public void run() {
        var options =
                new BackendOptions(threads.orElse(BackendOptions.defaults().threads()), device, precision);
        var out = spec.commandLine().getOut();
        try (var engine = Backends.open(backend, options)) {
            for (var model : models) {
                var benchmark = benchmark(model);
                System.err.println("mom: %s %s, B %d, L %d, V %d, M %d: %d steps"
                        .formatted(
                                RunConfig.key(model),
                                scale,
                                benchmark.batch(),
                                benchmark.length(),
                                benchmark.config().vocabulary(),
                                benchmark.config().modalities(),
                                steps));
                var result = benchmark.run(engine);
                out.println(
                        json
                                ? JsonMapper.shared().writeValueAsString(row(model, benchmark, result))
                                : sentence(model, result));
                out.flush();
            }
        }
    }

    private TrainingStepBenchmark benchmark(RunConfig.Kind model) {
        boolean gpu = backend.equals("cuda");
        var size = Scale.of(scale);
        int v = vocabulary.orElse(gpu ? 65_536 : 4096);
        int m = modalities.orElse(gpu ? 2 : 3);
        var config = switch (model) {
            case DENSE -> MambaConfig.dense(size, v, m);
            case MOM -> MambaConfig.mixture(size, v, m);
            case ROUTER -> new RoutedConfig(MambaConfig.mixture(size, v, m), ROUTER_BALANCE);
            case WIDE -> MambaConfig.wide(size, v, m);
        };
        int b = batch.orElse(size.dModel() < 1024 ? 8 : size.dModel() < 2048 ? 4 : 2);
        return new TrainingStepBenchmark(
                config,
                b,
                length.orElse(gpu ? 4096 : 512),
                gpu ? Duration.ZERO : REHEARSAL,
                WARM_UP_STEPS,
                steps,
                recompute);
    }

    private Map<String, Object> row(
            RunConfig.Kind model, TrainingStepBenchmark benchmark, TrainingStepBenchmark.Result result) {
        var row = new LinkedHashMap<String, Object>();
        row.put("backend", backend);
        row.put("scale", scale);
        row.put("model", RunConfig.key(model));
        row.put("batch", benchmark.batch());
        row.put("length", benchmark.length());
        row.put("vocabulary", benchmark.config().vocabulary());
        row.put("modalities", benchmark.config().modalities());
        row.put("parameters", result.parameters());
        row.put("tokens_per_s", result.tokensPerSecond());
        row.put("step_ms", result.stepMillis());
        row.put("flops_per_s", result.flopsPerSecond());
        result.flopsUtilisation().ifPresent(mfu -> row.put("mfu", mfu));
        row.put("peak_memory_bytes", result.peakMemoryBytes());
        row.put("loss", result.loss());
        return row;
    }

    private String sentence(RunConfig.Kind model, TrainingStepBenchmark.Result result) {
        var utilisation = result.flopsUtilisation().isPresent()
                ? String.format(
                        Locale.ROOT,
                        " (%.1f %% of the matrix-product rate)",
                        100 * result.flopsUtilisation().getAsDouble())
                : "";
        return String.format(
                Locale.ROOT,
                "%s %s on %s: %,.0f tokens/s, %.1f ms a step, %.1f GFLOP/s%s, %,d MB",
                RunConfig.key(model),
                scale,
                backend,
                result.tokensPerSecond(),
                result.stepMillis(),
                result.flopsPerSecond() * 1e-9,
                utilisation,
                result.peakMemoryBytes() >> 20);
    }
}
