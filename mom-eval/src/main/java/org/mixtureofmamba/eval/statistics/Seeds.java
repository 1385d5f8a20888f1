package org.mixtureofmamba.eval.statistics;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

import org.apache.commons.statistics.distribution.TDistribution;

/** Means and 95 % intervals over paired seeds. */
public final class Seeds {
    private Seeds() {}

    /**
     * A mean and half its interval.
     *
     * @param half empty for fewer than two seeds
     */
    public record Mean(double mean, OptionalDouble half) {}

    /** Mean ± t · s / sqrt(n), Student's t with n - 1 degrees of freedom. */
    public static Mean student(double[] values) {
        int n = values.length;
        double mean = mean(values);
        return new Mean(
                mean,
                n < 2
                        ? OptionalDouble.empty()
                        : OptionalDouble.of(t(n) * Math.sqrt(squares(values, mean) / (n - 1) / n)));
    }

    /**
     * The figure of all seeds together, with the jackknife's interval: each seed left out once.
     *
     * @param figure of some of the seeds
     */
    public static <S> Mean jackknife(List<S> seeds, ToDoubleFunction<List<S>> figure) {
        int n = seeds.size();
        double all = figure.applyAsDouble(seeds);
        if (n < 2) {
            return new Mean(all, OptionalDouble.empty());
        }
        var without = IntStream.range(0, n)
                .mapToDouble(left -> figure.applyAsDouble(IntStream.range(0, n)
                        .filter(i -> i != left)
                        .mapToObj(seeds::get)
                        .toList()))
                .toArray();
        double deviation = Math.sqrt(squares(without, mean(without)) * (n - 1) / n);
        return new Mean(all, OptionalDouble.of(t(n) * deviation));
    }

    private static double t(int n) {
        return TDistribution.of(n - 1).inverseSurvivalProbability(0.025);
    }

    private static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    private static double squares(double[] values, double mean) {
        double sum = 0;
        for (double value : values) {
            sum += (value - mean) * (value - mean);
        }
        return sum;
    }
}
