package org.mixtureofmamba.eval.statistics;

import java.util.OptionalInt;

/**
 * Whether a held-out loss turns upward: the mean of its last three evaluations is above the lowest mean of three by
 * more than three deviations of such a mean's noise and more than {@value #LEAST} nats. The noise is taken from second
 * differences.
 */
public final class Turn {
    private static final double LEAST = 0.01;

    private Turn() {}

    /** @return the lowest evaluation, if the loss turns upward after it */
    public static OptionalInt of(double[] values) {
        int n = values.length;
        if (n < 6) {
            return OptionalInt.empty();
        }
        double squares = 0;
        int from = Math.max(1, n / 4);
        for (int i = from; i + 1 < n; i++) {
            double bend = values[i] - (values[i - 1] + values[i + 1]) / 2;
            squares += bend * bend / 1.5;
        }
        double noise = Math.sqrt(squares / (n - 1 - from)) * Math.sqrt(2.0 / 3);
        int lowest = 1;
        for (int i = 1; i + 1 < n; i++) {
            if (mean(values, i) < mean(values, lowest)) {
                lowest = i;
            }
        }
        double rise = mean(values, n - 2) - mean(values, lowest);
        return rise > Math.max(LEAST, 3 * noise) ? OptionalInt.of(lowest) : OptionalInt.empty();
    }

    private static double mean(double[] values, int centre) {
        return (values[centre - 1] + values[centre] + values[centre + 1]) / 3;
    }
}
