package org.mixtureofmamba.eval;

/**
 * One loss of one run at the rows where it was measured.
 *
 * @param rows rows of the metrics, increasing
 * @param steps their steps
 * @param raw their losses, finite
 */
record LossCurve(int[] rows, double[] steps, double[] raw) {
    static LossCurve of(RunMetrics metrics, LossKind kind) {
        var all = metrics.column(kind.column());
        var step = metrics.column(Column.STEP);
        int n = 0;
        for (double value : all) {
            n += Double.isNaN(value) ? 0 : 1;
        }
        var rows = new int[n];
        var steps = new double[n];
        var raw = new double[n];
        int k = 0;
        for (int row = 0; row < all.length; row++) {
            if (!Double.isNaN(all[row])) {
                rows[k] = row;
                steps[k] = step[row];
                raw[k] = all[row];
                k++;
            }
        }
        return new LossCurve(rows, steps, raw);
    }

    int size() {
        return rows.length;
    }

    double[] smoothed(Smoothing smoothing) {
        return smoothing.apply(steps, raw);
    }

    /** The last measurement at or before a step, -1 if there is none. */
    int indexAt(double step) {
        int found = java.util.Arrays.binarySearch(steps, step);
        return found >= 0 ? found : -found - 2;
    }
}
