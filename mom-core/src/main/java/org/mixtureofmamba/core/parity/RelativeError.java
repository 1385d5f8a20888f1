package org.mixtureofmamba.core.parity;

import java.util.Arrays;
import java.util.Locale;

/**
 * How far a tensor is from its golden counterpart: {@code error = norm(actual - golden) / norm(golden)} in the 2-norm,
 * and {@code peak}, the same in the maximum norm. The 2-norm of a large tensor hides one wrong element (one of a
 * million, wrong by its own size, is an error of 1e-3), the maximum norm does not, so {@link #within} asks for both.
 *
 * @param name of the tensor, as it stands in the golden file
 * @param error the 2-norm ratio; 0 for a golden tensor of zeros met exactly, infinite unless {@link Verdict#MEASURED}
 * @param peak the maximum-norm ratio, likewise
 * @param verdict whether the two could be compared at all
 */
public record RelativeError(String name, double error, double peak, Verdict verdict) {
    /**
     * How many times the tolerance one element may be off, relative to the largest golden element. Rounding noise of n
     * elements peaks at about sqrt(2 ln n) times its deviation: under 8 for any tensor that fits in memory.
     */
    public static final double PEAK_ALLOWANCE = 8;

    /** Why a comparison counts, or why it is refused whatever the tolerance. */
    public enum Verdict {
        /** Both are finite and of one shape: the error says how good the match is. */
        MEASURED("measured"),
        /** The shapes differ. */
        WRONG_SHAPE("has the wrong shape"),
        /** The computed tensor holds a NaN or an infinity. */
        NOT_FINITE("holds a NaN or an infinity"),
        /** The golden tensor itself holds a NaN or an infinity: nothing can match it. */
        GOLDEN_NOT_FINITE("is compared with a golden tensor that holds a NaN or an infinity"),
        /** The computed tensor is all zeros and the golden one is not: nothing was computed. */
        ALL_ZERO("is all zeros where the golden tensor is not"),
        /** The golden tensor is all zeros and the computed one is not exactly so. */
        NOT_ZERO("is not exactly zero where the golden tensor is");

        private final String meaning;

        Verdict(String meaning) {
            this.meaning = meaning;
        }
    }

    /**
     * Compares two tensors, flattened in one order.
     *
     * @param goldenShape dimensions whose product is {@code golden.length}
     * @param actualShape dimensions whose product is {@code actual.length}
     */
    public static RelativeError of(
            String name, long[] goldenShape, double[] golden, long[] actualShape, double[] actual) {
        if (!Arrays.equals(goldenShape, actualShape) || golden.length != actual.length) {
            return refused(name, Verdict.WRONG_SHAPE);
        }
        double largest = 0;
        double largestActual = 0;
        double largestDifference = 0;
        for (int i = 0; i < golden.length; i++) {
            if (!Double.isFinite(golden[i])) {
                return refused(name, Verdict.GOLDEN_NOT_FINITE);
            }
            if (!Double.isFinite(actual[i])) {
                return refused(name, Verdict.NOT_FINITE);
            }
            largest = Math.max(largest, Math.abs(golden[i]));
            largestActual = Math.max(largestActual, Math.abs(actual[i]));
            largestDifference = Math.max(largestDifference, Math.abs(actual[i] - golden[i]));
        }
        if (largest == 0) {
            return largestActual == 0
                    ? new RelativeError(name, 0, 0, Verdict.MEASURED)
                    : refused(name, Verdict.NOT_ZERO);
        }
        if (largestActual == 0) {
            return refused(name, Verdict.ALL_ZERO);
        }
        // Both sums are scaled by the largest golden element, so that no square under- or overflows before the ratio
        // does.
        double squares = 0;
        double differences = 0;
        for (int i = 0; i < golden.length; i++) {
            double g = golden[i] / largest;
            double d = actual[i] / largest - g;
            squares += g * g;
            differences += d * d;
        }
        return new RelativeError(name, Math.sqrt(differences / squares), largestDifference / largest, Verdict.MEASURED);
    }

    /** Compares two vectors of one dimension each. */
    public static RelativeError of(String name, double[] golden, double[] actual) {
        return of(name, new long[] {golden.length}, golden, new long[] {actual.length}, actual);
    }

    /**
     * Whether the tensor matches: comparable, and both ratios within bounds. A NaN, here or in {@code tolerance}, is
     * never within.
     */
    public boolean within(double tolerance) {
        return verdict == Verdict.MEASURED && error <= tolerance && peak <= PEAK_ALLOWANCE * tolerance;
    }

    /** One line for a person: the name and the error, or why there is none. */
    public String describe() {
        return verdict == Verdict.MEASURED
                ? String.format(Locale.ROOT, "%s: relative error %.3e, largest element %.3e", name, error, peak)
                : name + " " + verdict.meaning;
    }

    private static RelativeError refused(String name, Verdict verdict) {
        return new RelativeError(name, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, verdict);
    }
}
