package org.mixtureofmamba.data.document;

import java.nio.file.Path;

import org.mixtureofmamba.tokenizers.SpeechTokenizer;

/** Where a setting has no speech: nothing asks it for units, since the setting is asked first. */
record NoSpeech() implements SpeechTokenizer {
    @Override
    public String kind() {
        return "none";
    }

    @Override
    public void save(Path file) {
        throw new UnsupportedOperationException("there is nothing to save");
    }

    @Override
    public int units() {
        return 0;
    }

    @Override
    public int sampleRate() {
        return 16_000;
    }

    @Override
    public double unitsPerSecond() {
        return 0;
    }

    @Override
    public int[] encode(float[] pcm) {
        return new int[0];
    }

    @Override
    public float[] decode(int[] units) {
        return new float[0];
    }
}
