package org.mixtureofmamba.tokenizers;

/** Sound to units at a fixed rate and back. Safe for use by many threads. */
public interface SpeechTokenizer extends Tokenizer {
    /** Number of different units; units lie in [0, units). */
    int units();

    /** Samples a second of the sound taken and given, in Hz. */
    int sampleRate();

    /** Units a second. */
    double unitsPerSecond();

    /** Units of mono sound in [-1, 1] at {@link #sampleRate()}: one for each started 1/{@link #unitsPerSecond()} s, none for none. */
    int[] encode(float[] pcm);

    /**
     * Mono sound in [-1, 1] of exactly units.length / {@link #unitsPerSecond()} seconds.
     *
     * @throws org.mixtureofmamba.core.UserException if a unit is outside [0, units)
     */
    float[] decode(int[] units);
}
