package org.mixtureofmamba.core.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static org.mixtureofmamba.core.backend.cpu.Native.ALL;
import static org.mixtureofmamba.core.backend.cpu.Native.LANES;
import static org.mixtureofmamba.core.backend.cpu.Native.ORDER;
import static org.mixtureofmamba.core.backend.cpu.Native.SPECIES;

/**
 * Exponential, sigmoid and softplus of vectors, to about 1e-7 of the result, with the scalar forms for the ends of
 * rows.
 */
final class VectorMath {
    /** log2(e): exp(-x) = 2^(-x·LOG2_E). */
    static final float LOG2_E = 1.44269504f;

    /**
     * 1.5 · 2^23: added to a small number and taken off again, it rounds that to an integer, which its low bits
     * meanwhile show.
     */
    private static final float ROUNDER = 12582912f;

    /** Where 2^-y stops falling, so that results stay normal numbers. */
    private static final int LARGEST_EXPONENT = Float.floatToRawIntBits(126f);

    // 2^-g on [-0.5, 0.5]: minimax of the relative error, 1.1e-7, with value 1 at 0.
    private static final float P1 = -0.6931470036506653f;
    private static final float P2 = 0.24022242426872253f;
    private static final float P3 = -0.05550733581185341f;
    private static final float P4 = 0.009671512991189957f;
    private static final float P5 = -0.001326472731307149f;

    private VectorMath() {}

    /** 2^-y for y >= 0; 2^-126 for y > 126, and for NaN. */
    static FloatVector exp2Negative(FloatVector y) {
        // Floats that are not negative are ordered as their bits are, and the minimum of integers is one instruction.
        var bounded = y.reinterpretAsInts().min(LARGEST_EXPONENT).reinterpretAsFloats();
        var rounded = broadcast(SPECIES, ROUNDER).sub(bounded);
        var g = bounded.add(rounded.sub(ROUNDER)); // y - round(y)
        var p = broadcast(SPECIES, P5)
                .fma(g, broadcast(SPECIES, P4))
                .fma(g, broadcast(SPECIES, P3))
                .fma(g, broadcast(SPECIES, P2))
                .fma(g, broadcast(SPECIES, P1))
                .fma(g, broadcast(SPECIES, 1f));
        IntVector exponent = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** exp(-|x|). */
    private static FloatVector expOfMinusAbs(FloatVector x) {
        return exp2Negative(x.abs().mul(LOG2_E));
    }

    /** 1 / (1 + exp(-x)). */
    static FloatVector sigmoid(FloatVector x) {
        return sigmoid(x, expOfMinusAbs(x));
    }

    private static FloatVector sigmoid(FloatVector x, FloatVector expOfMinusAbs) {
        var one = broadcast(SPECIES, 1f);
        var numerator = expOfMinusAbs.blend(one, x.compare(VectorOperators.GE, 0f));
        // x - x is 0, or NaN where x is no number: the exponential has lost that.
        return numerator.div(one.add(expOfMinusAbs)).add(x.sub(x));
    }

    /**
     * log(1 + u) for u in [0, 1]: 2 atanh(s), s = u / (2 + u) in [0, 1/3], by its Taylor series; the next term is
     * 1.4e-8 of the sum.
     */
    private static FloatVector log1p(FloatVector u) {
        var s = u.div(u.add(2f));
        var q = s.mul(s);
        var p = broadcast(SPECIES, 2f / 13)
                .fma(q, broadcast(SPECIES, 2f / 11))
                .fma(q, broadcast(SPECIES, 2f / 9))
                .fma(q, broadcast(SPECIES, 2f / 7))
                .fma(q, broadcast(SPECIES, 2f / 5))
                .fma(q, broadcast(SPECIES, 2f / 3))
                .fma(q, broadcast(SPECIES, 2f));
        return s.mul(p);
    }

    /** sigmoids = sigmoid(x) of whole vectors; the two may be the same. */
    static void sigmoids(long x, long sigmoids, int count) {
        for (int j = 0; j < count; j += LANES) {
            long at = 4L * j;
            sigmoid(fromMemorySegment(SPECIES, ALL, x + at, ORDER)).intoMemorySegment(ALL, sigmoids + at, ORDER);
        }
    }

    /**
     * softplus = log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)), and x becomes its sigmoid, which is the derivative;
     * whole vectors.
     */
    static void softplusAndSigmoids(long x, long softplus, int count) {
        for (int j = 0; j < count; j += LANES) {
            long at = 4L * j;
            var v = fromMemorySegment(SPECIES, ALL, x + at, ORDER);
            var e = expOfMinusAbs(v);
            v.max(0f).add(log1p(e)).intoMemorySegment(ALL, softplus + at, ORDER);
            sigmoid(v, e).intoMemorySegment(ALL, x + at, ORDER);
        }
    }

    static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }
}
