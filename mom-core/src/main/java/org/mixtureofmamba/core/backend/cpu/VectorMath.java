package org.mixtureofmamba.core.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Exponential, sigmoid and softplus of vectors, to about 1e-7 of the result, with the scalar forms for the ends of rows. */
final class VectorMath {
    /** log2(e): exp(-x) = 2^(-x·LOG2_E). */
    static final float LOG2_E = 1.44269504f;

    /** 1.5 · 2^23: added to a small number and taken off again, it rounds that to an integer, which its low bits meanwhile show. */
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
        var rounded = FloatVector.broadcast(Native.SPECIES, ROUNDER).sub(bounded);
        var g = bounded.add(rounded.sub(ROUNDER)); // y - round(y)
        var p = FloatVector.broadcast(Native.SPECIES, P5)
                .fma(g, FloatVector.broadcast(Native.SPECIES, P4))
                .fma(g, FloatVector.broadcast(Native.SPECIES, P3))
                .fma(g, FloatVector.broadcast(Native.SPECIES, P2))
                .fma(g, FloatVector.broadcast(Native.SPECIES, P1))
                .fma(g, FloatVector.broadcast(Native.SPECIES, 1f));
        IntVector exponent = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** exp(-|x|). */
    static FloatVector expOfMinusAbs(FloatVector x) {
        return exp2Negative(x.abs().mul(LOG2_E));
    }

    /** 1 / (1 + exp(-x)). */
    static FloatVector sigmoid(FloatVector x) {
        return sigmoid(x, expOfMinusAbs(x));
    }

    /** The same where exp(-|x|) is known. */
    static FloatVector sigmoid(FloatVector x, FloatVector expOfMinusAbs) {
        var one = FloatVector.broadcast(Native.SPECIES, 1f);
        var numerator = expOfMinusAbs.blend(one, x.compare(VectorOperators.GE, 0f));
        // x - x is 0, or NaN where x is no number: the exponential has lost that.
        return numerator.div(one.add(expOfMinusAbs)).add(x.sub(x));
    }

    /** log(1 + exp(x)) = max(x, 0) + log1p(u), u = exp(-|x|), which must be {@code expOfMinusAbs}. */
    static FloatVector softplus(FloatVector x, FloatVector expOfMinusAbs) {
        return x.max(0f).add(log1p(expOfMinusAbs));
    }

    /** log(1 + u) for u in [0, 1]: 2 atanh(s), s = u / (2 + u) in [0, 1/3], by its Taylor series; the next term is 1.4e-8 of the sum. */
    private static FloatVector log1p(FloatVector u) {
        var s = u.div(u.add(2f));
        var q = s.mul(s);
        var p = FloatVector.broadcast(Native.SPECIES, 2f / 13)
                .fma(q, FloatVector.broadcast(Native.SPECIES, 2f / 11))
                .fma(q, FloatVector.broadcast(Native.SPECIES, 2f / 9))
                .fma(q, FloatVector.broadcast(Native.SPECIES, 2f / 7))
                .fma(q, FloatVector.broadcast(Native.SPECIES, 2f / 5))
                .fma(q, FloatVector.broadcast(Native.SPECIES, 2f / 3))
                .fma(q, FloatVector.broadcast(Native.SPECIES, 2f));
        return s.mul(p);
    }

    static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }
}
