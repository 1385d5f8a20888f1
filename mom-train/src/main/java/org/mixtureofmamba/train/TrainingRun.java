package org.mixtureofmamba.train;

import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Optimizer;
import org.mixtureofmamba.core.nn.Parameters;

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
        return train(resume ? RunDirectory.Entry.RESUME : RunDirectory.Entry.NEW);
    }

    /**
     * Goes on with a run whose steps, optimizer, backend or checkpoints are to be other ones from here on; the run's
     * history says so.
     *
     * @return as {@link #train(boolean)}
     * @throws UserException if the run has done more steps than it is to have, or something else differs
     */
    public long extend() {
        return train(RunDirectory.Entry.EXTEND);
    }

    private long train(RunDirectory.Entry entry) {
        try (var directory = RunDirectory.open(config, entry);
                var backend =
                        Backends.open(config.backend().name(), config.backend().options());
                var model = new Model(
                        config.model()
                                .toModelConfig(
                                        data.vocabulary(),
                                        data.modalities(),
                                        config.optimizer().accumulation()),
                        backend,
                        config.backend().recompute(),
                        config.seed())) {
            return train(directory, backend, model);
        }
    }

    private long train(RunDirectory directory, Backend backend, Model model) {
        var checkpoints = new Checkpoints(
                directory.checkpoints(), config.checkpoint().keep(), data.fingerprint(), data.tokenizers());
        var parameters = model.parameters();
        try (var optimizer = new Optimizer(backend, model)) {
            var saved = checkpoints.loadNewest(backend, parameters, optimizer, data.train());
            if (saved.isEmpty()) {
                initialise(directory, backend, parameters);
            }
            var start = saved.map(TrainerState::progress).orElseGet(Trainer.Progress::atStart);
            requireStepsLeft(start.step());
            var heldOut = HeldOutPlan.of(config, data);
            var trainer = new Trainer(config, backend, model, optimizer, data.train(), start);
            try (var log = directory.log(saved)) {
                directory.takeOver(start.step());
                Environment.write(directory.environment(), backend, parameters.count());
                listener.started(config, start.step(), parameters.count());
                heldOut.notes().forEach(listener::noted);
                if (start.step() < config.steps()) {
                    trainer.warmUp(warmUp);
                }
                while (trainer.progress().step() < config.steps()) {
                    var step = trainer.step();
                    log.stepped(step);
                    listener.stepped(step);
                    boolean stopping = stop.getAsBoolean();
                    if (config.evaluatesAfter(step.step())) {
                        model.takeObservations(); // of training
                        var losses = trainer.evaluate(data.heldOut());
                        var observations = model.takeObservations();
                        if (!observations.isEmpty()) {
                            log.observed(step.step(), observations);
                            directory.write(observations);
                        }
                        log.evaluated(step.step(), step.total(), losses);
                        listener.evaluated(step.step(), losses);
                    }
                    boolean last = step.step() == config.steps();
                    if (last || stopping || step.step() % config.checkpoint().every() == 0) {
                        var loader = data.train()
                                .state(step.step() * config.optimizer().accumulation());
                        optimizer.finish();
                        var path = checkpoints.save(
                                backend, parameters, optimizer, trainer.progress(), loader, log.force());
                        listener.saved(step.step(), path);
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

    private void initialise(RunDirectory directory, Backend backend, Parameters parameters) {
        if (config.init().isEmpty()) {
            return;
        }
        var weights = InitialWeights.of(config.init());
        weights.load(backend, parameters);
        var reader = new ConfigReader();
        directory
                .history()
                .initialised(
                        weights,
                        weights.config()
                                .map(from -> reader.differences(from, config))
                                .orElse(List.of()));
        listener.noted("starts from the weights in " + weights.file());
    }

    private void requireStepsLeft(long done) {
        if (done > config.steps()) {
            throw new UserException(
                    "%s has done %d steps already; give steps=N of %d or more".formatted(config.run(), done, done));
        }
    }
}
