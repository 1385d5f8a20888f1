package org.mixtureofmamba.eval.statistics;

/**
 * Least squares under an order: the nearest sequence that never rises (pool adjacent violators, Barlow et al. 1972).
 */
final class Isotonic {
    private Isotonic() {}

    static double[] falling(double[] values, double[] weights) {
        int n = values.length;
        var mean = new double[n];
        var weight = new double[n];
        var length = new int[n];
        int pools = 0;
        for (int i = 0; i < n; i++) {
            mean[pools] = values[i];
            weight[pools] = weights[i];
            length[pools++] = 1;
            while (pools > 1 && mean[pools - 1] > mean[pools - 2]) {
                double together = weight[pools - 1] + weight[pools - 2];
                mean[pools - 2] =
                        (weight[pools - 1] * mean[pools - 1] + weight[pools - 2] * mean[pools - 2]) / together;
                weight[pools - 2] = together;
                length[pools - 2] += length[pools - 1];
                pools--;
            }
        }
        var fitted = new double[n];
        int at = 0;
        for (int p = 0; p < pools; p++) {
            for (int i = 0; i < length[p]; i++) {
                fitted[at++] = mean[p];
            }
        }
        return fitted;
    }
}
