package org.mixtureofmamba.train;

import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.nn.Losses;
import org.mixtureofmamba.train.tensorboard.EventFile;

/** What a run writes down as it goes: its {@link Table}s, and the same figures for TensorBoard. */
final class RunLog implements AutoCloseable {
    private final StepLog metrics;
    private final StepLog heldOut;
    private final EventFile events;

    private RunLog(StepLog metrics, StepLog heldOut, EventFile events) {
        this.metrics = metrics;
        this.heldOut = heldOut;
        this.events = events;
    }

    /**
     * The log of a run that starts or goes on.
     *
     * @param saved the checkpoint it goes on from
     * @throws org.mixtureofmamba.core.UserException if rows that belong to the checkpoint are not as they were
     */
    static RunLog open(Path directory, Optional<TrainerState> saved) {
        var metrics = table(directory, Table.METRICS, saved);
        try {
            var heldOut = table(directory, Table.HELD_OUT, saved);
            try {
                long done = saved.map(TrainerState::step).orElse(0L);
                return new RunLog(metrics, heldOut, EventFile.create(directory, done, Clock.systemUTC()));
            } catch (RuntimeException e) {
                heldOut.close();
                throw e;
            }
        } catch (RuntimeException e) {
            metrics.close();
            throw e;
        }
    }

    private static StepLog table(Path directory, Table table, Optional<TrainerState> saved) {
        return saved.map(state -> StepLog.resume(directory, table, state.logs().get(table.file())))
                .orElseGet(() -> StepLog.create(directory, table));
    }

    void stepped(StepMetrics step) {
        metrics.append(Table.row(step));
        var scalars = scalars("train", step.losses());
        scalars.put("lr", step.learningRate());
        scalars.put("grad_norm", step.gradNorm());
        scalars.put("tokens_per_s", step.tokensPerSecond());
        events.write(step.step(), scalars);
    }

    void evaluated(long step, Spent spent, Losses losses) {
        heldOut.append(Table.row(step, spent, losses));
        events.write(step, scalars("heldout", losses));
    }

    void observed(long step, Map<String, Double> observations) {
        var scalars = new LinkedHashMap<String, Double>();
        observations.forEach((name, value) -> scalars.put("heldout/" + name, value));
        events.write(step, scalars);
    }

    private static Map<String, Double> scalars(String group, Losses losses) {
        var scalars = new LinkedHashMap<String, Double>();
        if (losses.counts().total() > 0) {
            scalars.put(group + "/loss", losses.mean());
        }
        for (var modality : Modality.values()) {
            if (modality.index() < losses.sums().size()) {
                losses.mean(modality.index()).ifPresent(loss -> scalars.put(group + "/loss_" + modality.key(), loss));
            }
        }
        return scalars;
    }

    /** Waits until all rows are on disk, and says how many bytes they are, by file name. */
    Map<String, LogMark> force() {
        return Map.of(Table.METRICS.file(), metrics.force(), Table.HELD_OUT.file(), heldOut.force());
    }

    @Override
    public void close() {
        try (metrics;
                heldOut;
                events) {
            // Closes all three, whichever of them fails.
        }
    }
}
