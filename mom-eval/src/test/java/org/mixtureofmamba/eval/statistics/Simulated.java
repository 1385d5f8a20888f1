package org.mixtureofmamba.eval.statistics;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Pairs of training losses with a known match: power laws with the slope of the demo pair, the noise of its modalities
 * (deviations in nats below), 0.98 of whose variance is common to both runs and autocorrelated.
 *
 * @param steps of both runs
 * @param share what the other needs of the baseline's steps: its loss at s is the baseline's at s / share
 * @param deviation of the noise of a step, nats
 */
record Simulated(int steps, double share, double deviation) {
    static final double TEXT = 0.115;
    static final double IMAGE = 0.27;
    private static final double COMMON = 0.98;
    private static final double MEMORY = 0.3;

    static double loss(double step) {
        return 1 + 13.3 * Math.pow(step, -0.35);
    }

    SeriesPair pair(RandomGenerator random) {
        var baseline = new double[steps];
        var other = new double[steps];
        double level = random.nextGaussian();
        for (int i = 0; i < steps; i++) {
            level = MEMORY * level + Math.sqrt(1 - MEMORY * MEMORY) * random.nextGaussian();
            double common = deviation * Math.sqrt(COMMON) * level;
            double own = deviation * Math.sqrt(1 - COMMON);
            baseline[i] = loss(i + 1) + common + own * random.nextGaussian();
            other[i] = loss((i + 1) / share) + common + own * random.nextGaussian();
        }
        return SeriesPair.of(series(baseline), series(other));
    }

    static Series series(double[] values) {
        var steps = new double[values.length];
        var weights = new double[values.length];
        Arrays.setAll(steps, i -> i + 1);
        Arrays.fill(weights, 1);
        return new Series(steps, values, weights, values.length);
    }
}
