package org.mixtureofmamba.core.nn;

import java.util.random.RandomGenerator;

/** The first value of each element of a parameter. */
@FunctionalInterface
public interface Initializer {
    /** The value at (row, column), drawn from {@code random} in order of rows. */
    double value(long row, int column, RandomGenerator random);

    /** The same, each value times a factor. */
    default Initializer times(double factor) {
        return (row, column, random) -> factor * value(row, column, random);
    }

    /** U(-bound, bound). */
    static Initializer uniform(double bound) {
        return (row, column, random) -> bound * (2 * random.nextDouble() - 1);
    }

    /** U(±1/sqrt(fanIn)), the default of linear and convolution layers. */
    static Initializer fanIn(int fanIn) {
        return uniform(1 / Math.sqrt(fanIn));
    }

    static Initializer normal(double deviation) {
        return (row, column, random) -> deviation * random.nextGaussian();
    }

    static Initializer constant(double value) {
        return (row, column, random) -> value;
    }

    /** log(1), log(2), ... log(N) in each row: S4D-Real (Gu et al. 2022). */
    static Initializer logOfColumn() {
        return (row, column, random) -> Math.log(column + 1);
    }

    /**
     * The bias whose softplus is a step size exp(U(log smallest, log largest)), at least {@code floor} (Gu &amp; Dao
     * 2023, section 3.6).
     */
    static Initializer inverseSoftplusOfStep(double smallest, double largest, double floor) {
        return (row, column, random) -> {
            double logStep = Math.log(smallest) + random.nextDouble() * (Math.log(largest) - Math.log(smallest));
            double step = Math.max(Math.exp(logStep), floor);
            return step + Math.log(-Math.expm1(-step));
        };
    }
}
