package org.mixtureofmamba.tokenizers;

import java.util.Arrays;

/** Sound to units at a fixed rate and back. Safe for use by many threads. */
public interface SpeechTokenizer extends Tokenizer {
    /** Number of different units; units lie in [0, units). */
    int units();

    /** Samples a second of the sound taken and given, in Hz. */
    int sampleRate();

    /** Units a second. */
    double unitsPerSecond();

    /** A sound that comes in blocks: the units of all blocks together are those of {@link #encode} of the whole. */
    interface Encoder {
        /** Takes the next samples and returns the units that now are certain. */
        int[] add(float[] pcm);

        /** The units that waited for what might have come after them; ends the sound. */
        int[] finish();
    }

    /**
     * Begins a sound that comes in blocks. An encoder belongs to one thread. This one keeps the sound and encodes it at
     * its end; a tokenizer whose units depend on what is near gives one that keeps no more than that.
     */
    default Encoder encoder() {
        return new Encoder() {
            private float[] heard = new float[0];

            @Override
            public int[] add(float[] pcm) {
                int size = heard.length;
                heard = Arrays.copyOf(heard, size + pcm.length);
                System.arraycopy(pcm, 0, heard, size, pcm.length);
                return new int[0];
            }

            @Override
            public int[] finish() {
                return encode(heard);
            }
        };
    }

    /**
     * Units of mono sound in [-1, 1] at {@link #sampleRate()}: one for each started 1/{@link #unitsPerSecond()} s, none
     * for none.
     */
    int[] encode(float[] pcm);

    /**
     * Mono sound in [-1, 1] of exactly units.length / {@link #unitsPerSecond()} seconds.
     *
     * @throws org.mixtureofmamba.core.UserException if a unit is outside [0, units)
     */
    float[] decode(int[] units);
}
