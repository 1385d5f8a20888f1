package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.util.Arrays;

/** Mono sound at the rate of its file, decoded a block at a time: memory does not depend on how long it lasts. */
interface SoundReader {
    /** Samples a second, in Hz. */
    int sampleRate();

    /**
     * The next samples in [-1, 1], the mean of the channels; empty at the end.
     *
     * @throws IOException if the bytes are damaged or end too early; decoders of hostile bytes throw runtime exceptions
     *     as well
     */
    float[] next() throws IOException;

    /** Checks a rate that a file gives. */
    static int requireRate(int sampleRate) throws IOException {
        if (sampleRate < 1000 || sampleRate > 768_000) {
            throw new IOException("a sample rate of %d Hz".formatted(sampleRate));
        }
        return sampleRate;
    }

    /** Grows an array to hold so many samples. */
    static float[] grown(float[] samples, int needed) {
        return needed <= samples.length ? samples : Arrays.copyOf(samples, Math.max(needed, samples.length * 2));
    }
}
