package org.mixtureofmamba.eval;

import java.util.Arrays;

/**
 * How long the steps of a run took, seconds.
 *
 * @param median of all steps after the first
 * @param low the tenth percentile
 * @param high the ninetieth
 * @param mean of all steps after the first
 */
public record StepTimes(double median, double low, double high, double mean) {
    /** A run alone on its machine stays well within these. */
    private static final double MOST_SPREAD = 0.2;

    private static final double MOST_EXCESS = 0.05;

    /** NaN in every place where the run has no two timed rows. */
    static StepTimes of(RunMetrics metrics) {
        var wall = metrics.column(Column.WALL_S);
        var steps = metrics.column(Column.STEP);
        var times = new double[wall.length];
        int n = 0;
        for (int i = 1; i < wall.length; i++) {
            double time = (wall[i] - wall[i - 1]) / (steps[i] - steps[i - 1]);
            if (!Double.isNaN(time)) {
                times[n++] = time;
            }
        }
        times = Arrays.copyOf(times, n);
        Arrays.sort(times);
        return n == 0
                ? new StepTimes(Double.NaN, Double.NaN, Double.NaN, Double.NaN)
                : new StepTimes(
                        times[n / 2],
                        times[n / 10],
                        times[Math.min(n - 1, 9 * n / 10)],
                        Arrays.stream(times).average().orElseThrow());
    }

    /** What lies between the tenth and the ninetieth percentile, as a share of the median. */
    public double spread() {
        return (high - low) / median;
    }

    /** Whether something else seems to have had a part of the machine: steps of one run should take equally long. */
    public boolean disturbed() {
        return spread() > MOST_SPREAD || mean > (1 + MOST_EXCESS) * median;
    }
}
