package org.mixtureofmamba.eval.lab;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.train.RunDirectory;
import org.mixtureofmamba.train.TrainingData;
import org.mixtureofmamba.train.TrainingListener;
import org.mixtureofmamba.train.TrainingRun;

/**
 * Trains planned runs one after the other in this process: what is finished stays, what was broken off goes on, and
 * what another process is training is left to it.
 */
public final class Laboratory {
    private final Bench bench;
    private final BooleanSupplier stop;
    private final Duration warmUp;

    /** Who watches. */
    public interface Bench {
        /** A line for people: what is planned, what it costs, how far it is. */
        void says(String line);

        /** Watches one run, which calls {@code training} with a listener. */
        void watch(PlannedRun run, Consumer<TrainingListener> training);

        /** While a corpus is tokenised. */
        PrepareProgress preparing();
    }

    /**
     * @param stop once it is true the run in hand saves a checkpoint and the laboratory ends
     * @param warmUp of each run, see {@link TrainingRun}
     */
    public Laboratory(Bench bench, BooleanSupplier stop, Duration warmUp) {
        this.bench = bench;
        this.stop = stop;
        this.warmUp = warmUp;
    }

    /**
     * Trains what is missing. Every directory is looked at before the first run begins.
     *
     * @return the runs that are not finished: because of {@code stop}, or because another process has them
     * @throws org.mixtureofmamba.core.UserException if a directory holds something else
     */
    public List<PlannedRun> train(List<PlannedRun> runs) {
        var missing = missing(runs);
        bench.says("%d runs, %d of them finished".formatted(runs.size(), runs.size() - missing.size()));
        if (missing.isEmpty()) {
            return List.of();
        }
        var costs = Calibration.of(missing, bench.preparing());
        var planned = RunCost.sum(costs.values());
        bench.says("the %d to train cost about %s".formatted(missing.size(), planned.text()));
        var left = new ArrayList<PlannedRun>();
        double planSeconds = planned.seconds();
        double doneSeconds = 0;
        long begin = System.nanoTime();
        for (int i = 0; i < missing.size(); i++) {
            var run = missing.get(i);
            planSeconds -= costs.get(run).seconds();
            if (stop.getAsBoolean() || RunDirectory.isBusy(run.directory()) || !train(run)) {
                left.add(run);
                continue;
            }
            doneSeconds += costs.get(run).seconds();
            double spent = (System.nanoTime() - begin) * 1e-9;
            bench.says("%d of %d, %s is done; %s so far, about %s left"
                    .formatted(
                            i + 1,
                            missing.size(),
                            run.title(),
                            RunCost.duration(spent),
                            RunCost.duration(planSeconds * spent / doneSeconds)));
        }
        return left;
    }

    /** What the runs will cost on this machine, in words. */
    public String cost(List<PlannedRun> runs) {
        var missing = missing(runs);
        return missing.isEmpty()
                ? "all %d runs are finished".formatted(runs.size())
                : "%d runs, %d of them finished; the %d to train cost about %s"
                        .formatted(
                                runs.size(),
                                runs.size() - missing.size(),
                                missing.size(),
                                RunCost.sum(Calibration.of(missing, bench.preparing())
                                                .values())
                                        .text());
    }

    /** @throws org.mixtureofmamba.core.UserException if a directory holds something else */
    static List<PlannedRun> missing(List<PlannedRun> runs) {
        return runs.stream()
                .filter(run -> run.state() != PlannedRun.State.FINISHED)
                .toList();
    }

    /** Whether it came to its end. */
    private boolean train(PlannedRun planned) {
        var config = planned.config();
        // Begun with other threads, on another card: the run's history tells.
        boolean moved = planned.state() == PlannedRun.State.BEGUN
                && !planned.differences().isEmpty();
        var done = new long[1];
        bench.watch(planned, listener -> {
            try (var data = TrainingData.open(config, bench.preparing())) {
                var run = new TrainingRun(config, data, listener, stop, warmUp);
                done[0] = moved ? run.extend() : run.train(true);
            }
        });
        return done[0] == config.steps();
    }
}
