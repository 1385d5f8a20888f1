package org.mixtureofmamba.eval.statistics;

import java.util.Arrays;

/**
 * A loss as it was measured along a run.
 *
 * @param steps increasing, above 0
 * @param values one a step, finite
 * @param weights how much a value counts: its tokens, or 1 where they are not known
 * @param end the run's last step; the last measurement may come a little before it
 */
public record Series(double[] steps, double[] values, double[] weights, double end) {
    /** Longer series are averaged over equal stretches of steps: a fit gains nothing from more points. */
    static final int MOST = 4000;

    public int size() {
        return steps.length;
    }

    /** The same run as it stood at a step. */
    public Series upTo(double step) {
        int n = 0;
        while (n < steps.length && steps[n] <= step) {
            n++;
        }
        return new Series(Arrays.copyOf(steps, n), Arrays.copyOf(values, n), Arrays.copyOf(weights, n), step);
    }

    Series thinned(double width) {
        var step = new double[steps.length];
        var value = new double[steps.length];
        var weight = new double[steps.length];
        int n = 0;
        long before = -1;
        for (int i = 0; i < steps.length; i++) {
            long stretch = (long) Math.floor((steps[i] - 1) / width);
            if (stretch != before) {
                before = stretch;
                step[n++] = 1 + (stretch + 0.5) * width - 0.5;
            }
            value[n - 1] += weights[i] * values[i];
            weight[n - 1] += weights[i];
        }
        for (int i = 0; i < n; i++) {
            value[i] /= weight[i];
        }
        return new Series(Arrays.copyOf(step, n), Arrays.copyOf(value, n), Arrays.copyOf(weight, n), end);
    }
}
