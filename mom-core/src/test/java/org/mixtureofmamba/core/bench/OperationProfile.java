package org.mixtureofmamba.core.bench;

import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.model.LanguageModel.Recompute;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Scale;
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
                ? ModelConfig.dense(Scale.TINY, 4096, 3)
                : ModelConfig.mixture(Scale.TINY, 4096, 3);
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
        InvocationHandler timed = (proxy, method, arguments) -> {
            long start = clock.getCurrentThreadCpuTime();
            try {
                return method.invoke(backend, arguments);
            } finally {
                double spent = (clock.getCurrentThreadCpuTime() - start) * 1e-6;
                millis.merge(label(method.getName(), arguments), spent, Double::sum);
            }
        };
        return (Backend)
                Proxy.newProxyInstance(OperationProfile.class.getClassLoader(), new Class<?>[] {Backend.class}, timed);
    }

    /** A projection is named with its sizes. */
    private static String label(String operation, Object[] arguments) {
        return switch (operation) {
            case "linearForward" -> operation + columns(arguments[0]) + " to" + columns(arguments[3]);
            case "linearForwardAdd" -> operation + columns(arguments[0]) + " to" + columns(arguments[4]);
            case "linearBackward" -> operation + columns(arguments[1]) + " to" + columns(arguments[0]);
            default -> operation;
        };
    }

    private static String columns(Object tensor) {
        return " " + ((Tensor) tensor).columns();
    }
}
