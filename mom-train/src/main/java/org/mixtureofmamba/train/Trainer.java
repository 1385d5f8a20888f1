package org.mixtureofmamba.train;

import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.LongStream;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.LanguageModel;
import org.mixtureofmamba.core.model.Losses;
import org.mixtureofmamba.core.model.ModelFlops;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The training loop's body: batches, forward and backward, one AdamW update, losses. The mean is over all tokens of the
 * step that carry a loss, however many batches it has.
 *
 * <p>Where the gradient's norm is not finite the update is left out and the step counts. Where a loss is not finite
 * training stops.
 */
final class Trainer implements AutoCloseable {
    private final RunConfig config;
    private final Backend backend;
    private final LanguageModel model;
    private final LearningRate learningRate;
    private final EnergyMeter energy;
    private final BatchSource source;
    private final Moments moments;
    private final Tensor squaredNorm;
    private final double flopsPerStep;
    private Progress progress;
    private List<TokenBatch> batches = List.of();
    private TokenBatch placed;

    /**
     * How far a run has come.
     *
     * @param step steps done
     */
    record Progress(long step, Spent spent) {
        static Progress atStart() {
            return new Progress(0, Spent.nothing());
        }
    }

    Trainer(
            RunConfig config,
            Backend backend,
            LanguageModel model,
            Moments moments,
            BatchSource source,
            Progress progress) {
        this.config = config;
        this.backend = backend;
        this.model = model;
        this.progress = progress;
        this.learningRate = new LearningRate(config.optimizer(), config.steps());
        this.energy = new EnergyMeter(backend);
        this.moments = moments;
        this.squaredNorm = backend.memory().zeros("gradient norm", DType.FLOAT64, 1);
        this.flopsPerStep = flops(model).model(config.tokensPerStep()).training();
        this.source = source;
    }

    private static ModelFlops flops(LanguageModel model) {
        var c = model.config();
        return new ModelFlops(c.dModel(), c.dInner(), c.dState(), c.dtRank(), c.dConv(), c.blocks(), c.vocabulary());
    }

    /**
     * Does whole steps on the first batch that change nothing, so that no step pays for compiling: where the norm of
     * gradients is not finite, the optimizer leaves all as it is.
     */
    void warmUp(Duration least) {
        prepareFirst();
        var infinite = backend.memory().zeros("infinite norm", DType.FLOAT64, 1);
        try {
            backend.memory().copy(Tensor.ofDoubles(Double.POSITIVE_INFINITY), infinite);
            long end = System.nanoTime() + least.toNanos();
            do {
                model.forwardBackward(placed, 1);
                update(1, 0, infinite);
                model.takeLosses();
                gradNorm();
            } while (System.nanoTime() < end);
            backend.synchronize();
        } finally {
            backend.memory().free(infinite.storage());
        }
    }

    /**
     * Does one step.
     *
     * @throws FailureException if a loss is not finite
     */
    StepMetrics step() {
        prepareFirst();
        energy.start();
        long begin = System.nanoTime();
        long step = progress.step() + 1;

        double scale = 1.0
                / Math.max(
                        1,
                        batches.stream().mapToLong(b -> b.lossTokens().total()).sum());
        for (int i = 0; i < config.optimizer().accumulation(); i++) {
            model.forwardBackward(placed, scale);
            placeAfter(i);
        }
        double rate = learningRate.at(step);
        update(step, rate, squaredNorm);
        var losses = model.takeLosses();
        double gradNorm = gradNorm();

        double seconds = (System.nanoTime() - begin) * 1e-9;
        requireFinite(losses, step);
        long tokens = config.tokensPerStep();
        progress = new Progress(step, progress.spent().plus(tokens, flopsPerStep, seconds, energy.joules()));
        var peak = backend.peakFlopsPerSecond();
        var mfu = peak.isPresent()
                ? OptionalDouble.of(flopsPerStep / seconds / peak.getAsDouble())
                : OptionalDouble.empty();
        return new StepMetrics(step, progress.spent(), losses, rate, gradNorm, seconds, tokens / seconds, mfu);
    }

    private void prepareFirst() {
        if (batches.isEmpty()) {
            prepare(progress.step());
        }
    }

    /** @param step counted from 0 */
    private void prepare(long step) {
        int count = config.optimizer().accumulation();
        batches = LongStream.range(step * count, (step + 1) * count)
                .mapToObj(source::batch)
                .toList();
        placed = model.place(batches.getFirst());
    }

    /** Sends the batch after the step's i-th on its way, while the device is busy with that one. */
    private void placeAfter(int i) {
        if (i + 1 == batches.size()) {
            prepare(progress.step() + 1);
        } else {
            placed = model.place(batches.get(i + 1));
        }
    }

    /** @param norm the squared norm by which gradients are clipped */
    private void update(long step, double rate, Tensor norm) {
        var optimizer = config.optimizer();
        var parameters = model.parameters();
        var settings = new AdamW(
                step,
                rate,
                optimizer.betas().get(0),
                optimizer.betas().get(1),
                optimizer.eps(),
                optimizer.weightDecay(),
                parameters.decayed(),
                optimizer.clip());
        backend.squaredNorm(parameters.grad(), squaredNorm);
        backend.adamW(
                settings,
                parameters.master(),
                parameters.working(),
                parameters.grad(),
                moments.first(),
                moments.second(),
                norm);
        backend.memory().fill(parameters.grad(), 0);
    }

    private double gradNorm() {
        var squared = Tensor.ofDoubles(0);
        backend.memory().copy(squaredNorm, squared);
        return Math.sqrt(squared.get(0, 0));
    }

    private static void requireFinite(Losses losses, long step) {
        if (losses.counts().total() > 0 && !Double.isFinite(losses.mean())) {
            throw new FailureException(
                    "the loss at step %d is %s; lower optimizer.lr or lengthen optimizer.warmup, and begin a new run"
                            .formatted(step, losses.mean()));
        }
    }

    /** Losses over the first batches of another source; gradients are left alone. Only between steps. */
    Losses evaluate(BatchSource heldOut, long most) {
        for (long i = 0; i < Math.min(most, heldOut.count()); i++) {
            model.forward(model.place(heldOut.batch(i)));
        }
        batches = List.of(); // the batch that was on its way has been pushed off the device
        return model.takeLosses();
    }

    Progress progress() {
        return progress;
    }

    @Override
    public void close() {
        backend.memory().free(squaredNorm.storage());
    }
}
