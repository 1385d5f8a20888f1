package org.mixtureofmamba.eval;

import java.util.Arrays;

/**
 * What the other run of a pair had spent at a step, in percent of the whole baseline run.
 *
 * @param byMedianStep whether wall-clock is steps times the median step time of each run, because a machine was shared
 */
record Spending(
        RunMetrics baseline, RunMetrics other, StepTimes baselineTimes, StepTimes otherTimes, boolean byMedianStep) {
    static Spending of(RunPair pair, boolean byMedianStep) {
        var first = pair.baseline().metrics();
        var second = pair.other().metrics();
        return new Spending(first, second, StepTimes.of(first), StepTimes.of(second), byMedianStep);
    }

    /** NaN where either run did not measure the cost. Beyond the other run's end it goes on at its mean rate. */
    double percent(Cost cost, double step) {
        if (cost == Cost.WALL_CLOCK && byMedianStep) {
            double total = baselineTimes.median() * baseline.last(Column.STEP).orElseThrow();
            return total > 0 ? 100 * otherTimes.median() * step / total : Double.NaN;
        }
        double total = baseline.last(cost.column()).orElse(Double.NaN);
        return total > 0 ? 100 * at(other, cost.column(), step) / total : Double.NaN;
    }

    /** The whole of the other run. */
    double whole(Cost cost) {
        return percent(cost, other.last(Column.STEP).orElseThrow());
    }

    /** A running total at a step, interpolated from 0 at step 0 on. */
    static double at(RunMetrics run, Column column, double step) {
        var steps = run.column(Column.STEP);
        var totals = run.column(column);
        int last = steps.length - 1;
        if (step >= steps[last]) {
            return totals[last] * step / steps[last];
        }
        int found = Arrays.binarySearch(steps, step);
        if (found >= 0) {
            return totals[found];
        }
        int next = -found - 1;
        double before = next == 0 ? 0 : steps[next - 1];
        double spent = next == 0 ? 0 : totals[next - 1];
        return spent + (totals[next] - spent) * (step - before) / (steps[next] - before);
    }
}
