package org.mixtureofmamba.tokenizers.speech;

/**
 * Mono sound as a file holds it.
 *
 * @param sampleRate samples a second, in Hz
 * @param samples in [-1, 1]
 */
record Sound(int sampleRate, float[] samples) {
    Sound {
        if (sampleRate < 1000 || sampleRate > 768_000) {
            throw new IllegalArgumentException("a sample rate of %d Hz".formatted(sampleRate));
        }
    }

    /** Throws if so many samples last longer than allowed. */
    static void requireSeconds(long samples, int sampleRate, int maxSeconds) {
        if (samples > (long) maxSeconds * sampleRate) {
            throw new IllegalArgumentException("it lasts longer than the %d seconds allowed; cut it".formatted(maxSeconds));
        }
    }
}
