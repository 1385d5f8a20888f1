package org.mixtureofmamba.eval;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Mean and 95 % interval of a figure over paired seeds: mean ± t · s / sqrt(n), Student's t with n - 1 degrees of
 * freedom.
 */
final class PairedSeeds {
    private PairedSeeds() {}

    /** The mean, with an interval if there are two seeds or more and each has a value. */
    static Estimate estimate(List<Share> shares) {
        var mean = Share.mean(shares);
        if (!(mean instanceof Share.Of(double centre))) {
            return new Estimate(mean, Optional.empty());
        }
        var half = halfWidth(shares.stream()
                .mapToDouble(share -> ((Share.Of) share).percent())
                .toArray());
        return new Estimate(
                mean,
                half.isEmpty()
                        ? Optional.empty()
                        : Optional.of(new Interval(
                                new Share.Of(centre - half.getAsDouble()),
                                new Share.Of(centre + half.getAsDouble()),
                                Interval.Basis.SEEDS,
                                shares.size())));
    }

    /** Half the interval's width, empty for fewer than two values. */
    static OptionalDouble halfWidth(double[] values) {
        int n = values.length;
        if (n < 2) {
            return OptionalDouble.empty();
        }
        double mean = 0;
        for (double value : values) {
            mean += value / n;
        }
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        double t = TDistribution.of(n - 1).inverseSurvivalProbability(0.025);
        return OptionalDouble.of(t * Math.sqrt(squares / (n - 1) / n));
    }
}
