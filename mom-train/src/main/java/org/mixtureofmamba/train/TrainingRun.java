package org.mixtureofmamba.train;

import java.time.Duration;
import java.util.function.BooleanSupplier;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.model.LanguageModel;
import org.mixtureofmamba.core.model.Losses;

/** One run from its first or its last saved step to its end, in its directory. */
public final class TrainingRun {
    private final RunConfig config;
    private final TrainingData data;
    private final TrainingListener listener;
    private final BooleanSupplier stop;
    private final Duration warmUp;

    /**
     * @param stop asked after each step; once it is true the run saves a checkpoint and ends
     * @param warmUp how long to compute untimed before the first step, so that its clock does not count the compiling
     *     of kernels and loops; at least one pass in any case
     */
    public TrainingRun(
            RunConfig config, TrainingData data, TrainingListener listener, BooleanSupplier stop, Duration warmUp) {
        this.config = config;
        this.data = data;
        this.listener = listener;
        this.stop = stop;
        this.warmUp = warmUp;
    }

    /**
     * Trains. The checkpoint a resumed run goes on from holds all there is to know, so its steps are those of a run
     * never interrupted, bit for bit; only the clock and the meters differ.
     *
     * @param resume whether the directory may hold a part of this run already
     * @return the steps done in all; fewer than the configuration's if the run was asked to stop
     */
    public long train(boolean resume) {
        try (var directory = RunDirectory.open(config, resume);
                var backend =
                        Backends.open(config.backend().name(), config.backend().options());
                var model = new LanguageModel(
                        config.model().toModelConfig(data.vocabulary(), data.modalities()),
                        backend,
                        config.backend().recompute(),
                        config.seed())) {
            return train(directory, backend, model);
        }
    }

    private long train(RunDirectory directory, Backend backend, LanguageModel model) {
        var checkpoints = new Checkpoints(
                directory.checkpoints(), config.checkpoint().keep(), data.fingerprint(), data.tokenizers());
        var parameters = model.parameters();
        try (var moments = new Moments(backend, parameters)) {
            var start = checkpoints.loadNewest(backend, parameters, moments, data.train());
            Environment.write(directory.environment(), backend, parameters.count());
            try (var trainer = new Trainer(config, backend, model, moments, data.train(), start);
                    var metrics = directory.metrics(start.step());
                    var heldOut = directory.heldOut(start.step())) {
                listener.started(config, start.step(), parameters.count());
                if (start.step() < config.steps()) {
                    trainer.warmUp(warmUp);
                }
                while (trainer.progress().step() < config.steps()) {
                    var step = trainer.step();
                    append(metrics, step);
                    listener.stepped(step);
                    boolean stopping = stop.getAsBoolean();
                    boolean last = step.step() == config.steps();
                    if (last || step.step() % config.eval().every() == 0) {
                        var losses =
                                trainer.evaluate(data.heldOut(), config.eval().batches());
                        append(heldOut, step.step(), losses);
                        listener.evaluated(step.step(), losses);
                    }
                    if (last || stopping || step.step() % config.checkpoint().every() == 0) {
                        metrics.force();
                        heldOut.force();
                        var loader = data.train()
                                .state(step.step() * config.optimizer().accumulation());
                        var saved = checkpoints.save(backend, parameters, moments, trainer.progress(), loader);
                        listener.saved(step.step(), saved);
                    }
                    if (stopping) {
                        break;
                    }
                }
                long done = trainer.progress().step();
                var drawn = data.train().drawn(done * config.optimizer().accumulation());
                drawn.ifPresent(directory::write);
                listener.finished(done, drawn);
                return done;
            }
        }
    }

    private static void append(StepLog log, StepMetrics metrics) {
        var spent = metrics.total();
        var losses = metrics.losses();
        log.append(
                metrics.step(),
                spent.tokens(),
                spent.flops(),
                spent.wallSeconds(),
                cell(losses.counts().total() > 0, losses.mean()),
                loss(losses, Modality.TEXT),
                loss(losses, Modality.IMAGE),
                loss(losses, Modality.SPEECH),
                metrics.learningRate(),
                metrics.gradNorm(),
                metrics.tokensPerSecond(),
                cell(metrics.mfu().isPresent(), metrics.mfu().orElse(0)),
                cell(spent.energyJoules().isPresent(), spent.energyJoules().orElse(0)));
    }

    private static Object loss(Losses losses, Modality modality) {
        return modality.index() < losses.sums().size()
                        && losses.mean(modality.index()).isPresent()
                ? losses.mean(modality.index()).getAsDouble()
                : "";
    }

    private static Object cell(boolean measured, double value) {
        return measured ? value : "";
    }

    private static void append(StepLog log, long step, Losses losses) {
        for (var modality : Modality.values()) {
            if (modality.index() < losses.sums().size()) {
                log.append(
                        step,
                        modality.key(),
                        loss(losses, modality),
                        losses.counts().of(modality.index()));
            }
        }
        log.append(
                step,
                "all",
                cell(losses.counts().total() > 0, losses.mean()),
                losses.counts().total());
    }
}
