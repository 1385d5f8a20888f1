package org.mixtureofmamba.data.loader;

/**
 * A pseudo-random order of {@code 0 .. size-1} that takes no memory: a Feistel network over the next power of four,
 * walked until it falls inside (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
 *
 * @param size how many numbers are ordered, at least 1
 * @param seed equal seeds give equal orders
 */
record Permutation(long size, long seed) {
    private static final int ROUNDS = 6;

    /** The order of a part's documents in one epoch. */
    static Permutation ofEpoch(long size, long seed, int part, long epoch) {
        return new Permutation(size, mix(seed * 31 + part) + epoch);
    }

    /** The number at a place of the order. */
    long at(long place) {
        int halfBits = Math.max(1, (65 - Long.numberOfLeadingZeros(size - 1)) / 2);
        long mask = (1L << halfBits) - 1;
        long value = place;
        do {
            long left = value >>> halfBits;
            long right = value & mask;
            for (int round = 0; round < ROUNDS; round++) {
                long mixed = left ^ mix(right + seed + (round + 1) * 0x9E3779B97F4A7C15L) & mask;
                left = right;
                right = mixed;
            }
            value = left << halfBits | right;
        } while (value >= size);
        return value;
    }

    /**
     * The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input changes half of the output's.
     */
    static long mix(long value) {
        long z = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
