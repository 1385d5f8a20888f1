package org.mixtureofmamba.core.tensor;

/** The upper half of a float32: 8 bits of exponent, 7 of mantissa. */
public final class Bfloat16 {
    private Bfloat16() {}

    /** Rounds to nearest, ties to even; NaN stays NaN. */
    public static short of(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
