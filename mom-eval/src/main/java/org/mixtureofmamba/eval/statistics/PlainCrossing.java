package org.mixtureofmamba.eval.statistics;

import java.util.OptionalDouble;

/**
 * The reading that the paper's definition says: both losses as a centred running mean over 1 % of the baseline's steps,
 * cut off at the ends; the target is the baseline's at its end; the match is the first step at which the other's is at
 * or under it, interpolated between two measurements. Of noisy curves it comes early: it flatters, and is kept to stand
 * beside published figures.
 */
public final class PlainCrossing {
    private static final double WINDOW = 0.01;

    private PlainCrossing() {}

    /** The step of the match, empty if the other run never came there. */
    public static OptionalDouble step(SeriesPair pair) {
        double half = Math.round(WINDOW * pair.baseline().end() / 2);
        var baseline = smoothed(pair.baseline(), half);
        var other = smoothed(pair.other(), half);
        double target = baseline[baseline.length - 1];
        var steps = pair.other().steps();
        for (int i = 0; i < other.length; i++) {
            if (other[i] <= target) {
                return OptionalDouble.of(
                        i == 0 || other[i - 1] <= target
                                ? steps[i]
                                : steps[i - 1]
                                        + (steps[i] - steps[i - 1])
                                                * (other[i - 1] - target)
                                                / (other[i - 1] - other[i]));
            }
        }
        return OptionalDouble.empty();
    }

    /** @param half steps on either side of the centre */
    public static double[] smoothed(Series series, double half) {
        int n = series.size();
        var sums = new double[n + 1];
        for (int i = 0; i < n; i++) {
            sums[i + 1] = sums[i] + series.values()[i];
        }
        var means = new double[n];
        int from = 0;
        int to = 0;
        for (int i = 0; i < n; i++) {
            while (series.steps()[from] < series.steps()[i] - half) {
                from++;
            }
            while (to < n && series.steps()[to] <= series.steps()[i] + half) {
                to++;
            }
            means[i] = (sums[to] - sums[from]) / (to - from);
        }
        return means;
    }
}
