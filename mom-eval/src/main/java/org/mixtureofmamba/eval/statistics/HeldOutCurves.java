package org.mixtureofmamba.eval.statistics;

import java.util.Arrays;

/**
 * The reading of two held-out losses, which carry almost no noise: the target is the baseline's at its end, the other
 * run's is interpolated monotonically between its evaluations, in the logarithm of the step. What noise there is must
 * not make a curve rise and fall: both are first fitted by the nearest falling sequence, so that neither end is
 * favoured. A curve that turns upward is read up to its lowest point, and a baseline that does, at its end.
 */
public final class HeldOutCurves implements Reading {
    /** The share of a curve whose slope it goes on with beyond the run. */
    private static final double TAIL = 0.25;

    private static final double LEAST_SLOPE = -1e-6;

    private final SeriesPair pair;
    private final double[] logs;
    private final boolean baselineTurns;
    private final int lowest;

    public HeldOutCurves(SeriesPair pair) {
        this.pair = pair;
        this.logs = Arrays.stream(pair.other().steps())
                .map(step -> Math.log(step / pair.other().end()))
                .toArray();
        this.baselineTurns = Turn.of(pair.baseline().values()).isPresent();
        this.lowest = Turn.of(pair.other().values()).orElse(pair.other().size() - 1);
    }

    /** The loss at which the baseline ended. */
    public double target(double[] baseline) {
        return baselineTurns
                ? baseline[baseline.length - 1]
                : Isotonic.falling(baseline, pair.baseline().weights())[baseline.length - 1];
    }

    /** The other's loss at its end. */
    public double otherEnd(double[] other) {
        return lowest < other.length - 1
                ? other[other.length - 1]
                : Isotonic.falling(other, pair.other().weights())[other.length - 1];
    }

    @Override
    public double[] surplus(double[] baseline, double[] other) {
        double target = target(baseline);
        int n = lowest + 1;
        var fitted = Isotonic.falling(
                Arrays.copyOf(other, n), Arrays.copyOf(pair.other().weights(), n));
        var curve = new MonotoneCubic(Arrays.copyOf(logs, n), fitted);
        double end = fitted[n - 1];
        double slope = n < logs.length ? LEAST_SLOPE : Math.min(LEAST_SLOPE, endSlope(other));
        var surplus = new double[Surplus.GRID.length];
        for (int i = 0; i < surplus.length; i++) {
            double x = Surplus.GRID[i];
            surplus[i] = (x <= logs[n - 1] ? curve.at(x) : end + slope * (x - logs[n - 1])) - target;
        }
        return surplus;
    }

    @Override
    public double low() {
        return Math.max(logs[0], Surplus.GRID[0]);
    }

    private double endSlope(double[] other) {
        int n = logs.length;
        int from = Math.min(n - 3, (int) Math.floor((1 - TAIL) * n));
        double meanX = 0;
        double meanY = 0;
        for (int i = from; i < n; i++) {
            meanX += logs[i] / (n - from);
            meanY += other[i] / (n - from);
        }
        double products = 0;
        double squares = 0;
        for (int i = from; i < n; i++) {
            products += (logs[i] - meanX) * (other[i] - meanY);
            squares += (logs[i] - meanX) * (logs[i] - meanX);
        }
        return products / squares;
    }
}
