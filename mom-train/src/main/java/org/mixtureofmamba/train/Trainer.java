package org.mixtureofmamba.train;

import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.LongStream;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.PlacedBatch;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Optimizer;
import org.mixtureofmamba.core.nn.Losses;

/**
 * The training loop's body: batches, forward and backward, one AdamW update, losses. The mean is over all tokens of the
 * step that carry a loss, however many batches it has.
 *
 * <p>Where the gradient's norm is not finite the update is left out and the step counts. Where a loss is not finite
 * training stops.
 */
final class Trainer {
    private final RunConfig config;
    private final Backend backend;
    private final Model model;
    private final LearningRate learningRate;
    private final EnergyMeter energy;
    private final BatchSource source;
    private final Optimizer optimizer;
    private final double flopsPerStep;
    private Progress progress;
    private List<TokenBatch> batches = List.of();
    private PlacedBatch placed;

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
            Model model,
            Optimizer optimizer,
            BatchSource source,
            Progress progress) {
        this.config = config;
        this.backend = backend;
        this.model = model;
        this.progress = progress;
        this.learningRate = new LearningRate(config.optimizer(), config.steps());
        this.energy = new EnergyMeter(backend);
        this.optimizer = optimizer;
        this.flopsPerStep = model.flops(config.tokensPerStep()).training();
        this.source = source;
    }

    /**
     * Does whole steps on the first batch that change nothing, so that no step pays for compiling: where the norm of
     * gradients is not finite, the optimizer leaves all as it is.
     */
    void warmUp(Duration least) {
        prepareFirst();
        long end = System.nanoTime() + least.toNanos();
        do {
            model.forwardBackward(placed, 1);
            optimizer.rehearse(settings(1, 0));
            model.takeLosses();
            optimizer.gradNorm();
        } while (System.nanoTime() < end);
        optimizer.finish();
        backend.synchronize();
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
        int count = config.optimizer().accumulation();
        for (int i = 0; i < count; i++) {
            model.forwardBackward(placed, scale, new Model.MicroBatch(i, count));
            placeAfter(i);
        }
        double rate = learningRate.at(step);
        optimizer.step(settings(step, rate));
        var losses = model.takeLosses();
        double gradNorm = optimizer.gradNorm();

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

    private AdamW settings(long step, double rate) {
        var recipe = config.optimizer();
        return new AdamW(
                step,
                rate,
                recipe.betas().get(0),
                recipe.betas().get(1),
                recipe.eps(),
                recipe.weightDecay(),
                recipe.clip());
    }

    private static void requireFinite(Losses losses, long step) {
        if (losses.counts().total() > 0 && !Double.isFinite(losses.mean())) {
            throw new FailureException(
                    "the loss at step %d is %s; lower optimizer.lr or lengthen optimizer.warmup, and begin a new run"
                            .formatted(step, losses.mean()));
        }
    }

    /** Losses over all batches of another source; gradients are left alone. Only between steps. */
    Losses evaluate(BatchSource heldOut) {
        for (long i = 0; i < heldOut.count(); i++) {
            model.forward(model.place(heldOut.batch(i)));
        }
        batches = List.of(); // the batch that was on its way has been pushed off the device
        return model.takeLosses();
    }

    Progress progress() {
        return progress;
    }
}
