package org.mixtureofmamba.core.bench;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Optimizer;

/**
 * Times whole training steps on synthetic batches: placing the batch, forward, loss, backward, gradient norm, clipping,
 * AdamW. What a trainer adds (loading, logging, checkpoints) is left out. A step lasts from the moment at which the
 * loss of the one before is known to that at which its own is, since a device may still be updating weights when the
 * next step begins.
 *
 * @param batch B
 * @param length L
 * @param rehearsal for how long a model that is then thrown away is trained first, so that the virtual machine has
 *     compiled what it will
 * @param warmup steps before the clock runs
 * @param steps timed steps
 * @param recompute whether backward runs each block's forward again
 */
public record TrainingStepBenchmark(
        ModelConfig config,
        int batch,
        int length,
        Duration rehearsal,
        int warmup,
        int steps,
        Model.Recompute recompute) {
    /** Batches that are made before the clock runs, their modalities shared out differently in each. */
    private static final int BATCHES = 8;

    public TrainingStepBenchmark {
        if (batch < 1 || length < 1 || warmup < 0 || steps < 1) {
            throw new UserException(
                    "a benchmark needs batch, length and steps of 1 or more and warmup of 0 or more, not %d, %d, %d, %d"
                            .formatted(batch, length, steps, warmup));
        }
    }

    /**
     * What was measured.
     *
     * @param tokensPerSecond of the median step
     * @param stepMillis of the median step
     * @param flopsPerSecond the model's own operations, forward and backward, over the median step
     * @param flopsUtilisation those over the backend's matrix-product rate, where it is known
     * @param peakMemoryBytes parameters, gradients, optimizer state and activations
     * @param parameters how many numbers are trained
     * @param loss the mean over the last batch, to show that something was trained
     */
    public record Result(
            double tokensPerSecond,
            double stepMillis,
            double flopsPerSecond,
            OptionalDouble flopsUtilisation,
            long peakMemoryBytes,
            long parameters,
            double loss) {}

    /** Builds a model on the backend, times it, frees it. */
    public Result run(Backend backend) {
        rehearse(backend);
        try (var run = new Run(backend)) {
            for (int i = 0; i < warmup; i++) {
                run.step();
            }
            var millis = new double[steps];
            long start = System.nanoTime();
            for (int i = 0; i < steps; i++) {
                run.step();
                long end = System.nanoTime();
                millis[i] = (end - start) * 1e-6;
                start = end;
            }
            Arrays.sort(millis);
            double median = (millis[(steps - 1) / 2] + millis[steps / 2]) / 2;
            long tokens = (long) batch * length;
            double flopsPerSecond = run.model.flops(tokens).training() / (median * 1e-3);
            var peak = backend.peakFlopsPerSecond();
            return new Result(
                    tokens / (median * 1e-3),
                    median,
                    flopsPerSecond,
                    peak.isPresent() ? OptionalDouble.of(flopsPerSecond / peak.getAsDouble()) : OptionalDouble.empty(),
                    run.memoryBytes(),
                    run.model.parameters().count(),
                    run.loss);
        }
    }

    private void rehearse(Backend backend) {
        if (rehearsal.isPositive()) {
            try (var run = new Run(backend)) {
                long end = System.nanoTime() + rehearsal.toNanos();
                while (System.nanoTime() < end) {
                    run.step();
                }
            }
        }
    }

    /** A model in training. */
    private final class Run implements AutoCloseable {
        private final Backend backend;
        private final Model model;
        private final Optimizer optimizer;
        private final List<TokenBatch> batches;
        private int done;
        private double loss;

        Run(Backend backend) {
            this.backend = backend;
            this.model = new Model(config, backend, recompute, 0);
            this.optimizer = new Optimizer(backend, model);
            var synthetic = new SyntheticBatches(batch, length, config.vocabulary(), config.modalities(), 1);
            this.batches = Stream.generate(synthetic::next).limit(BATCHES).toList();
        }

        void step() {
            var placed = model.place(batches.get(done % BATCHES));
            model.forwardBackward(placed, 1.0 / placed.lossTokens().total());
            done++;
            optimizer.step(new AdamW(done, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1));
            loss = model.takeLosses().mean();
        }

        long memoryBytes() {
            var parameters = model.parameters();
            long working = parameters.working() == parameters.master()
                    ? 0
                    : parameters.working().storage().byteSize();
            return parameters.master().storage().byteSize()
                    + parameters.grad().storage().byteSize()
                    + working
                    + optimizer.firstMoment().storage().byteSize()
                    + optimizer.secondMoment().storage().byteSize()
                    + backend.workspace().peakBytes();
        }

        @Override
        public void close() {
            optimizer.close();
            model.close();
        }
    }
}
