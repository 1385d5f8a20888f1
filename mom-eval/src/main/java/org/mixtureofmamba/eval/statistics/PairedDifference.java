package org.mixtureofmamba.eval.statistics;

/**
 * The reading of two training losses. Both runs see the same batches, so most of a step's noise is common to them and
 * their difference is known well where neither loss is. The gain G is baseline less other at the last common step, by a
 * line in the logarithm of the step through the differences of the run's tail; M is the other run's own smooth curve.
 * The match is where M is as far above its end as the gain: M(s) - M(end) = G.
 */
public final class PairedDifference implements Reading {
    private static final int FEWEST_IN_TAIL = 20;

    private final SeriesPair pair;
    private final CurveFitter otherFitter;
    private final CurveFitter baselineFitter;
    private final double[] endWeights;

    /**
     * @param tail the share of the run whose differences the line is fitted to
     * @throws IllegalArgumentException if fewer than {@link #fewest} steps are common
     */
    public PairedDifference(SeriesPair pair, double tail) {
        this.pair = pair;
        this.otherFitter = new CurveFitter(pair.other());
        this.baselineFitter = new CurveFitter(pair.baseline());
        this.endWeights = endWeights(pair, tail);
    }

    /** The fewest common measurements it needs. */
    public static int fewest() {
        return FEWEST_IN_TAIL + 1;
    }

    /** The gain at the last common step, nats. */
    public double gain(double[] baseline, double[] other) {
        double gain = 0;
        for (int i = 0; i < endWeights.length; i++) {
            gain += endWeights[i] * (baseline[pair.baselineCommon()[i]] - other[pair.otherCommon()[i]]);
        }
        return gain;
    }

    /** The other's smooth loss at the last common step, nats. */
    public double otherEnd() {
        return otherFitter.fit(pair.other().values()).at(pair.commonEnd());
    }

    @Override
    public double[] surplus(double[] baseline, double[] other) {
        var curve = otherFitter.fit(other);
        double offset = -curve.at(pair.commonEnd()) - gain(baseline, other);
        if (pair.baseline().end() > pair.commonEnd()) {
            var rest = baselineFitter.fit(baseline);
            offset += Math.max(
                    0, rest.at(pair.commonEnd()) - rest.at(pair.baseline().end()));
        }
        var surplus = curve.falling();
        for (int i = 0; i < surplus.length; i++) {
            surplus[i] += offset;
        }
        return surplus;
    }

    @Override
    public double low() {
        return otherFitter.low();
    }

    /** What each difference counts in the line's value at the end: least squares, weighted. */
    private static double[] endWeights(SeriesPair pair, double tail) {
        int n = pair.common();
        if (n < fewest()) {
            throw new IllegalArgumentException("%d common measurements, fewer than %d".formatted(n, fewest()));
        }
        double end = pair.commonEnd();
        var steps = pair.baseline().steps();
        int from = n - FEWEST_IN_TAIL;
        while (from > 0 && steps[pair.baselineCommon()[from - 1]] > (1 - tail) * end) {
            from--;
        }
        double all = 0;
        double meanX = 0;
        var x = new double[n];
        var weight = new double[n];
        for (int i = from; i < n; i++) {
            x[i] = Math.log(steps[pair.baselineCommon()[i]] / end);
            weight[i] = pair.baseline().weights()[pair.baselineCommon()[i]];
            all += weight[i];
            meanX += weight[i] * x[i];
        }
        meanX /= all;
        double squares = 0;
        for (int i = from; i < n; i++) {
            squares += weight[i] * (x[i] - meanX) * (x[i] - meanX);
        }
        for (int i = from; i < n; i++) {
            weight[i] *= 1 / all - meanX * (x[i] - meanX) / squares;
        }
        return weight;
    }
}
