package org.mixtureofmamba.eval;

import java.util.OptionalDouble;

import org.mixtureofmamba.core.UserException;

/**
 * One loss of a baseline run and of the run compared with it. A position on a curve is an index into its measurements,
 * with a fraction between two of them; costs are interpolated linearly there.
 */
record LossPair(
        RunMetrics baseline, LossCurve baselineCurve, RunMetrics other, LossCurve otherCurve, Smoothing smoothing) {
    static LossPair of(RunMetrics baseline, RunMetrics other, LossKind kind, Smoothing smoothing) {
        var first = LossCurve.of(baseline, kind);
        var second = LossCurve.of(other, kind);
        if (first.size() == 0 || second.size() == 0) {
            var bare = first.size() == 0 ? baseline : other;
            throw new UserException("%s never measures %s; compare runs of one setting"
                    .formatted(bare.source(), kind.column().key()));
        }
        return new LossPair(baseline, first, other, second, smoothing);
    }

    /**
     * The first measurement of {@code smoothed} that is at or under the target and from which on the mean over one
     * window (cut off at the run's end) is too. Where the measurement before it is above the target, the position is
     * where the line between the two meets the target.
     */
    OptionalDouble match(double[] smoothed, double target) {
        var steps = otherCurve.steps();
        int n = smoothed.length;
        double sum = 0;
        int to = 0;
        for (int i = 0; i < n; i++) {
            while (to < n && steps[to] < steps[i] + smoothing.window()) {
                sum += smoothed[to] - target;
                to++;
            }
            // The sum's rounding must not turn a window that lies on the target into one above it.
            double rounding = 1e-12 * (to - i) * Math.max(1, Math.abs(target));
            if (smoothed[i] <= target && sum <= rounding) {
                return OptionalDouble.of(i == 0 ? 0 : between(smoothed, i, target));
            }
            sum -= smoothed[i] - target;
        }
        return OptionalDouble.empty();
    }

    /**
     * Least squares through the origin of the other run's FLOPs on the baseline's, over every level at which the
     * baseline's smoothed loss first falls below all before it and which the other reaches too.
     *
     * @return the slope in percent, empty if there is no such level
     */
    OptionalDouble slope(double[] smoothedBaseline, double[] smoothedOther) {
        var spentBaseline = baseline.column(Column.FLOPS);
        var spentOther = other.column(Column.FLOPS);
        double lowest = Double.POSITIVE_INFINITY;
        double products = 0;
        double squares = 0;
        int j = 0;
        for (int i = 0; i < smoothedBaseline.length; i++) {
            double level = smoothedBaseline[i];
            if (level >= lowest) {
                continue;
            }
            lowest = level;
            while (j < smoothedOther.length && smoothedOther[j] > level) {
                j++;
            }
            if (j == smoothedOther.length) {
                break;
            }
            double x = spentBaseline[baselineCurve.rows()[i]];
            double y = valueAt(spentOther, j == 0 ? 0 : between(smoothedOther, j, level));
            products += x * y;
            squares += x * x;
        }
        return squares > 0 ? OptionalDouble.of(100 * products / squares) : OptionalDouble.empty();
    }

    /** What the other run has spent at a position, in percent of the whole baseline run; NaN if not measured. */
    double percentAt(Cost cost, double position) {
        return 100 * valueAt(other.column(cost.column()), position) / total(baseline, cost);
    }

    /** What the other run has spent at its end, in percent of the whole baseline run; NaN if not measured. */
    double percentInAll(Cost cost) {
        return 100 * total(other, cost) / total(baseline, cost);
    }

    /** The step at a position, with its fraction. */
    double stepAt(double position) {
        return valueAt(other.column(Column.STEP), position);
    }

    private double valueAt(double[] column, double position) {
        int i = (int) position;
        double fraction = position - i;
        var rows = otherCurve.rows();
        double value = column[rows[i]];
        return fraction == 0 ? value : value + fraction * (column[rows[i + 1]] - value);
    }

    private static double between(double[] smoothed, int i, double level) {
        double before = smoothed[i - 1];
        return before > level ? i - 1 + (before - level) / (before - smoothed[i]) : i;
    }

    private static double total(RunMetrics run, Cost cost) {
        double total = run.last(cost.column()).orElse(Double.NaN);
        return total > 0 ? total : Double.NaN;
    }
}
