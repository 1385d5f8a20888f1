package org.mixtureofmamba.eval.statistics;

import java.util.Arrays;

/**
 * Piecewise cubic interpolation that is monotone wherever the points are (Fritsch and Carlson 1980, with the harmonic
 * mean of Fritsch and Butland 1984 as slope); constant outside of them.
 */
final class MonotoneCubic {
    private final double[] x;
    private final double[] y;
    private final double[] slopes;

    /**
     * @param x increasing, at least one
     * @param y one for each x
     */
    MonotoneCubic(double[] x, double[] y) {
        this.x = x;
        this.y = y;
        int n = x.length;
        slopes = new double[n];
        var secants = new double[Math.max(0, n - 1)];
        for (int i = 0; i + 1 < n; i++) {
            secants[i] = (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
        }
        for (int i = 1; i + 1 < n; i++) {
            if (secants[i - 1] * secants[i] > 0) {
                double before = x[i] - x[i - 1];
                double after = x[i + 1] - x[i];
                double w1 = 2 * after + before;
                double w2 = after + 2 * before;
                slopes[i] = (w1 + w2) / (w1 / secants[i - 1] + w2 / secants[i]);
            }
        }
        if (n > 1) {
            slopes[0] = secants[0];
            slopes[n - 1] = secants[n - 2];
        }
    }

    double at(double place) {
        int n = x.length;
        if (place <= x[0] || n == 1) {
            return y[0];
        }
        if (place >= x[n - 1]) {
            return y[n - 1];
        }
        int found = Arrays.binarySearch(x, place);
        int i = found >= 0 ? found : -found - 2;
        double h = x[i + 1] - x[i];
        double t = (place - x[i]) / h;
        double s = 1 - t;
        return y[i] * (1 + 2 * t) * s * s
                + slopes[i] * h * t * s * s
                + y[i + 1] * t * t * (3 - 2 * t)
                - slopes[i + 1] * h * t * t * s;
    }
}
