package org.mixtureofmamba.reference;

import java.util.SplittableRandom;

import org.mixtureofmamba.core.tensor.Tensor;

/** Seeded random tensors in host memory, float64. */
public final class Draw {
    private final SplittableRandom random;

    public Draw(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Standard normal. */
    public Tensor normal(long... extents) {
        return normal(1, extents);
    }

    public Tensor normal(double deviation, long... extents) {
        var values = new double[Math.toIntExact(product(extents))];
        for (int i = 0; i < values.length; i++) {
            values[i] = deviation * random.nextGaussian();
        }
        return Tensor.ofDoubles(values).reshape(extents);
    }

    /** Integers in 0 .. bound-1. */
    public Tensor integers(int bound, int count) {
        return Tensor.ofInts(random.ints(count, 0, bound).toArray());
    }

    /** Whatever lay in memory before: not a number. */
    public static Tensor poison(long... extents) {
        var values = new double[Math.toIntExact(product(extents))];
        java.util.Arrays.fill(values, Double.NaN);
        return Tensor.ofDoubles(values).reshape(extents);
    }

    public static Tensor zeros(long... extents) {
        return Tensor.ofDoubles(new double[Math.toIntExact(product(extents))]).reshape(extents);
    }

    private static long product(long... extents) {
        long product = 1;
        for (long extent : extents) {
            product *= extent;
        }
        return product;
    }
}
