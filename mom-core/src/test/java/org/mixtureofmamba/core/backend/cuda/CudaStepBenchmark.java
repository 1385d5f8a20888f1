package org.mixtureofmamba.core.backend.cuda;

import java.time.Duration;
import java.util.Locale;

import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;
import org.mixtureofmamba.core.bench.TrainingStepBenchmark;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;

/** Times training steps on a card and prints where the time goes, without the command line: one JSON line a model. */
public final class CudaStepBenchmark {
    private CudaStepBenchmark() {}

    /**
     * @param arguments each {@code scale,dense|mom,batch,length,modalities,steps[,recompute][,profile][,small]}; small:
     *     a vocabulary of 3,067
     */
    public static void main(String[] arguments) {
        for (var argument : arguments) {
            try {
                run(argument);
            } catch (RuntimeException e) {
                System.out.printf("{\"run\": \"%s\", \"error\": \"%s\"}%n", argument, e);
                e.printStackTrace(System.out);
            }
        }
    }

    private static void run(String argument) {
        var parts = argument.split(",");
        var scale = Scale.of(parts[0]);
        int modalities = Integer.parseInt(parts[4]);
        int vocabulary = argument.contains("small") ? 3067 : 65_536;
        var config = parts[1].equals("mom")
                ? MambaConfig.mixture(scale, vocabulary, modalities)
                : MambaConfig.dense(scale, vocabulary, modalities);
        int steps = Integer.parseInt(parts[5]);
        var recompute = argument.contains("recompute") ? Recompute.BLOCKS : Recompute.NOTHING;
        var benchmark = new TrainingStepBenchmark(
                config,
                Integer.parseInt(parts[2]),
                Integer.parseInt(parts[3]),
                Duration.ZERO,
                Math.min(8, steps),
                steps,
                recompute);
        var options = new BackendOptions(1, 0, Precision.BF16);
        long start = System.nanoTime();
        if (argument.contains("profile")) {
            try (var profile = new CudaProfile(options)) {
                // Libraries load their kernels at first use: the profile is that of a second run.
                benchmark.run(profile.backend());
                profile.reset();
                print(argument, benchmark.run(profile.backend()), start);
                print(profile, steps + Math.min(8, steps));
            }
        } else {
            try (var backend = new CudaBackendProvider().open(options)) {
                print(argument, benchmark.run(backend), start);
            }
        }
    }

    private static void print(String argument, TrainingStepBenchmark.Result result, long start) {
        System.out.printf(
                Locale.ROOT,
                "{\"run\": \"%s\", \"tokens_per_s\": %.0f, \"step_ms\": %.3f, \"flops_per_s\": %.4g, \"mfu\": %.4f, \"peak_memory_bytes\": %d, \"parameters\": %d, \"loss\": %.6f, \"whole_s\": %.1f}%n",
                argument,
                result.tokensPerSecond(),
                result.stepMillis(),
                result.flopsPerSecond(),
                result.flopsUtilisation().orElse(Double.NaN),
                result.peakMemoryBytes(),
                result.parameters(),
                result.loss(),
                (System.nanoTime() - start) * 1e-9);
    }

    private static void print(CudaProfile profile, int steps) {
        for (var line : profile.lines()) {
            System.out.printf(
                    Locale.ROOT,
                    "%-32s %4d calls %9.3f ms a step %8.1f MB a call %8.2f TB/s%n",
                    line.operation(),
                    line.calls() / steps,
                    line.milliseconds() / steps,
                    line.bytes() * 1e-6 / line.calls(),
                    line.bytes() * 1e-9 / line.milliseconds());
        }
    }
}
