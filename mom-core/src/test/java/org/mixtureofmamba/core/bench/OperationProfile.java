package org.mixtureofmamba.core.bench;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.Observed;
import org.mixtureofmamba.core.backend.Observed.Call;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Prints where a training step on the backend cpu goes: processor time of each operation on one thread, which says less
 * than the clock about other programs on the machine. Arguments: steps before and steps counted, {@code dense} or
 * {@code mom}.
 */
final class OperationProfile {
    private final Backend backend;
    private final Map<String, Double> millis = new TreeMap<>();

    private OperationProfile(Backend backend) {
        this.backend = backend;
    }

    public static void main(String[] args) {
        int warmup = Integer.parseInt(args[0]);
        int steps = Integer.parseInt(args[1]);
        var config = args[2].equals("dense")
                ? MambaConfig.dense(Scale.TINY, 4096, 3)
                : MambaConfig.mixture(Scale.TINY, 4096, 3);
        var options = new BackendOptions(1, 0, BackendOptions.Precision.FLOAT32);
        try (var backend = Backends.open("cpu", options)) {
            var profile = new OperationProfile(backend);
            var watched = profile.watched();
            new TrainingStepBenchmark(config, 8, 512, Duration.ZERO, 0, warmup, Recompute.NOTHING).run(watched);
            profile.millis.clear();
            new TrainingStepBenchmark(config, 8, 512, Duration.ZERO, 0, steps, Recompute.NOTHING).run(watched);
            profile.millis.forEach((name, total) -> System.out.printf("%-36s %8.2f ms%n", name, total / steps));
            double sum = profile.millis.values().stream()
                            .mapToDouble(Double::doubleValue)
                            .sum()
                    / steps;
            System.out.printf("%-36s %8.2f ms%n", "all operations", sum);
        }
    }

    /** The backend with a clock around each operation. */
    private Backend watched() {
        var clock = ManagementFactory.getThreadMXBean();
        return Observed.of(backend, (call, run) -> {
            long start = clock.getCurrentThreadCpuTime();
            try {
                return run.get();
            } finally {
                millis.merge(label(call), (clock.getCurrentThreadCpuTime() - start) * 1e-6, Double::sum);
            }
        });
    }

    /** A projection is named with its sizes. */
    private static String label(Call call) {
        var arguments = call.arguments();
        return switch (call.operation()) {
            case "linearForward" -> call.operation() + columns(arguments.get(0)) + " to" + columns(arguments.get(3));
            case "linearForwardAdd" -> call.operation() + columns(arguments.get(0)) + " to" + columns(arguments.get(4));
            case "linearBackward" -> call.operation() + columns(arguments.get(1)) + " to" + columns(arguments.get(0));
            default -> call.operation();
        };
    }

    private static String columns(Object tensor) {
        return " " + ((Tensor) tensor).columns();
    }
}
