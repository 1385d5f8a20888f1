package org.mixtureofmamba.eval;

import org.mixtureofmamba.core.UserException;

/**
 * Centred running mean over {@code window() = 2·half + 1} steps.
 *
 * <p>The value at step s is the mean of what was measured at steps s - half to s + half. Towards the ends of a run the
 * window is cut off at the run's first and last step (at the end it is the mean of the last half + 1 steps). Steps
 * without a measurement are skipped: they add nothing to a mean and have no smoothed value.
 *
 * @param half steps on either side of the centre, 0 for none
 */
public record Smoothing(int half) {
    /** The window's share of the baseline's steps unless one says otherwise. */
    public static final double DEFAULT_SHARE = 0.01;

    public Smoothing {
        if (half < 0) {
            throw new UserException("a smoothing window of %d steps is none".formatted(2 * half + 1));
        }
    }

    /**
     * The odd window nearest to {@code share} of the baseline's steps.
     *
     * @param share between 0 and 0.5
     */
    public static Smoothing of(RunMetrics baseline, double share) {
        if (!(share >= 0 && share <= 0.5)) {
            throw new UserException("a smoothing window of %s of the run; use a share from 0 to 0.5".formatted(share));
        }
        double steps = baseline.last(Column.STEP).orElseThrow()
                - baseline.at(Column.STEP, 0).orElseThrow()
                + 1;
        return new Smoothing((int) Math.round(share * steps / 2));
    }

    /** The window's width in steps, odd. */
    public int window() {
        return 2 * half + 1;
    }

    /**
     * @param steps increasing
     * @param values one a step, all finite
     * @return one mean a step
     */
    double[] apply(double[] steps, double[] values) {
        int n = steps.length;
        var sums = new double[n + 1];
        for (int i = 0; i < n; i++) {
            sums[i + 1] = sums[i] + values[i];
        }
        var means = new double[n];
        int from = 0;
        int to = 0;
        for (int i = 0; i < n; i++) {
            while (steps[from] < steps[i] - half) {
                from++;
            }
            while (to < n && steps[to] <= steps[i] + half) {
                to++;
            }
            means[i] = (sums[to] - sums[from]) / (to - from);
        }
        return means;
    }
}
