package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;

/** Reads WAV, FLAC, MP3 and Ogg Vorbis as mono sound at 16 kHz, and writes WAV. */
public final class AudioFiles {
    /** The rate of all sound inside this project, in Hz. */
    public static final int SAMPLE_RATE = 16_000;

    /** Longer recordings are refused where the whole of them would be in memory. */
    public static final int MAX_SECONDS = 3600;

    private AudioFiles() {}

    /**
     * Reads a whole recording of any rate and number of channels as mono in [-1, 1] at {@link #SAMPLE_RATE}; the mean
     * of its channels. {@link AudioStream} reads long ones a block at a time.
     *
     * @throws UserException if the file is missing, longer than {@link #MAX_SECONDS}, truncated or no sound, naming it
     */
    public static float[] read(Path file) {
        try (var stream = AudioStream.open(file, MAX_SECONDS)) {
            return all(stream);
        }
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static float[] read(InputStream in, String source) throws IOException {
        return all(AudioStream.of(in, source, MAX_SECONDS));
    }

    private static float[] all(AudioStream stream) {
        float[] samples = new float[1 << 14];
        int size = 0;
        for (float[] block; (block = stream.next()).length > 0; size += block.length) {
            samples = SoundReader.grown(samples, size + block.length);
            System.arraycopy(block, 0, samples, size, block.length);
        }
        return Arrays.copyOf(samples, size);
    }

    /**
     * Writes mono sound at {@link #SAMPLE_RATE} as WAV of 16 bits, whole or not at all; values outside [-1, 1] are
     * clipped.
     */
    public static void write(Path file, float[] pcm) {
        AtomicFiles.write(file, out -> out.write(wav(pcm)));
    }

    /** The bytes of a WAV file; see {@link #write}. */
    public static byte[] wav(float[] pcm) {
        int dataBytes = Math.multiplyExact(2, pcm.length);
        var buffer = ByteBuffer.allocate(44 + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        buffer.put(ascii("RIFF")).putInt(36 + dataBytes).put(ascii("WAVEfmt ")).putInt(16);
        buffer.putShort((short) 1).putShort((short) 1).putInt(SAMPLE_RATE).putInt(2 * SAMPLE_RATE);
        buffer.putShort((short) 2).putShort((short) 16).put(ascii("data")).putInt(dataBytes);
        for (float sample : pcm) {
            buffer.putShort((short) Math.clamp(Math.round(sample * 32767), -32767, 32767));
        }
        return buffer.array();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
