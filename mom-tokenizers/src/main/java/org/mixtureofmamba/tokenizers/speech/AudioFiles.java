package org.mixtureofmamba.tokenizers.speech;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;

/** Reads WAV and FLAC as mono sound at 16 kHz, and writes WAV. */
public final class AudioFiles {
    /** The rate of all sound inside this project, in Hz. */
    public static final int SAMPLE_RATE = 16_000;

    /** Longer recordings are refused: a file of kilobytes may claim days. */
    public static final int MAX_SECONDS = 3600;

    private static final int MAX_FILE_BYTES = 1 << 30;

    private AudioFiles() {}

    /**
     * Reads a recording of any rate and number of channels as mono in [-1, 1] at {@link #SAMPLE_RATE}; the mean of its channels.
     *
     * @throws UserException if the file is missing, longer than {@link #MAX_SECONDS}, truncated or no sound, naming it
     */
    public static float[] read(Path file) {
        try (var in = Files.newInputStream(file)) {
            return read(in, file.toString());
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static float[] read(InputStream in, String source) throws IOException {
        byte[] bytes = in.readNBytes(MAX_FILE_BYTES);
        Sound sound = decode(bytes, source);
        return Resampler.between(sound.sampleRate(), SAMPLE_RATE).resample(sound.samples());
    }

    private static Sound decode(byte[] bytes, String source) {
        String magic = new String(bytes, 0, Math.min(4, bytes.length), StandardCharsets.ISO_8859_1);
        try {
            return switch (magic) {
                case "RIFF" -> WavReader.read(bytes, MAX_SECONDS);
                case "fLaC" -> FlacReader.read(new ByteArrayInputStream(bytes), MAX_SECONDS);
                default -> throw new UserException("%s is no sound of a known kind (WAV, FLAC)".formatted(source));
            };
        } catch (IOException | RuntimeException e) {
            if (e instanceof UserException known) {
                throw known;
            }
            // decoders answer hostile bytes with whatever their arithmetic runs into
            throw new UserException("%s does not decode as sound: %s".formatted(source, e.getMessage()), e);
        }
    }

    /** Writes mono sound at {@link #SAMPLE_RATE} as WAV of 16 bits, whole or not at all; values outside [-1, 1] are clipped. */
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
