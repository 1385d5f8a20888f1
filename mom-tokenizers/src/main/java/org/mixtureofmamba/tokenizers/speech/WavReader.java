package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * RIFF WAVE: PCM of 8, 16, 24 and 32 bits, float of 32 and 64, A-law and mu-law (ITU G.711), any number of channels.
 */
final class WavReader implements SoundReader {
    private static final int RIFF_FMT = 0x20746d66;
    private static final int RIFF_DATA = 0x61746164;
    private static final int RIFF_WAVE = 0x45564157;
    private static final int PCM = 1;
    private static final int FLOAT = 3;
    private static final int A_LAW = 6;
    private static final int MU_LAW = 7;
    private static final int EXTENSIBLE = 0xFFFE;
    private static final int MAX_FORMAT_BYTES = 1 << 16;
    private static final int BLOCK_FRAMES = 1 << 12;

    private final InputStream in;
    private final Format format;
    /** Bytes of data still to come, or {@link Long#MAX_VALUE} where the file does not say. */
    private long left;

    private final boolean unknownLength;
    private final byte[] bytes;

    private record Format(int code, int channels, int sampleRate, int bits) {
        int frameBytes() {
            return channels * (bits / 8);
        }
    }

    /** Reads up to the samples. */
    WavReader(InputStream in) throws IOException {
        this.in = in;
        require(header(12).getInt(8) == RIFF_WAVE, "the RIFF file holds no WAVE");
        Format found = null;
        while (true) {
            ByteBuffer chunk = header(8);
            long size = Integer.toUnsignedLong(chunk.getInt(4));
            if (chunk.getInt(0) == RIFF_DATA) {
                require(found != null, "the data comes before its format");
                format = found;
                // recorders that stream write 0 or all ones for a length they did not know
                unknownLength = size == 0xFFFFFFFFL || size == 0;
                left = unknownLength ? Long.MAX_VALUE : size;
                bytes = new byte[BLOCK_FRAMES * format.frameBytes()];
                return;
            }
            if (chunk.getInt(0) == RIFF_FMT) {
                require(size >= 16 && size <= MAX_FORMAT_BYTES, "the format chunk has %d bytes".formatted(size));
                found = format(header((int) size), (int) size);
                in.skipNBytes(size & 1);
            } else {
                in.skipNBytes(size + (size & 1));
            }
        }
    }

    private ByteBuffer header(int size) throws IOException {
        byte[] read = in.readNBytes(size);
        require(read.length == size, "it ends before its data begins");
        return ByteBuffer.wrap(read).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static Format format(ByteBuffer in, int size) throws IOException {
        int code = Short.toUnsignedInt(in.getShort(0));
        if (code == EXTENSIBLE && size >= 26) {
            code = Short.toUnsignedInt(in.getShort(24));
        }
        var format = new Format(
                code,
                Short.toUnsignedInt(in.getShort(2)),
                SoundReader.requireRate(in.getInt(4)),
                Short.toUnsignedInt(in.getShort(14)));
        boolean known = switch (code) {
            case PCM -> format.bits == 8 || format.bits == 16 || format.bits == 24 || format.bits == 32;
            case FLOAT -> format.bits == 32 || format.bits == 64;
            case A_LAW, MU_LAW -> format.bits == 8;
            default -> false;
        };
        require(
                known,
                "its format %d of %d bits is not known; convert it to PCM of 16 bits".formatted(code, format.bits));
        require(format.channels > 0 && format.channels <= 1024, "it has %d channels".formatted(format.channels));
        return format;
    }

    @Override
    public int sampleRate() {
        return format.sampleRate;
    }

    @Override
    public float[] next() throws IOException {
        int frameBytes = format.frameBytes();
        int wanted = (int) Math.min(bytes.length, left - left % frameBytes);
        int read = in.readNBytes(bytes, 0, wanted);
        require(unknownLength || read == wanted, "it ends before its data does");
        left -= unknownLength ? 0 : read;
        float[] samples = new float[read / frameBytes];
        var data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int sampleBytes = format.bits / 8;
        for (int i = 0; i < samples.length; i++) {
            double sum = 0;
            for (int c = 0; c < format.channels; c++) {
                sum += sample(data, i * frameBytes + c * sampleBytes);
            }
            samples[i] = (float) (sum / format.channels);
        }
        return samples;
    }

    private double sample(ByteBuffer in, int at) throws IOException {
        double value = switch (format.code) {
            case FLOAT -> format.bits == 32 ? in.getFloat(at) : in.getDouble(at);
            case A_LAW -> aLaw(in.get(at)) / 32768.0;
            case MU_LAW -> muLaw(in.get(at)) / 32768.0;
            default ->
                switch (format.bits) {
                    case 8 -> (Byte.toUnsignedInt(in.get(at)) - 128) / 128.0;
                    case 16 -> in.getShort(at) / 32768.0;
                    case 24 -> (in.get(at + 2) << 16 | Short.toUnsignedInt(in.getShort(at))) / 8388608.0;
                    default -> in.getInt(at) / 2147483648.0;
                };
        };
        require(Double.isFinite(value), "a sample is no number");
        return value;
    }

    private static int muLaw(byte code) {
        int u = ~code & 0xFF;
        int magnitude = (((u & 0x0F) << 3) + 0x84 << (u >> 4 & 7)) - 0x84;
        return (u & 0x80) != 0 ? -magnitude : magnitude;
    }

    private static int aLaw(byte code) {
        int a = code ^ 0x55;
        int exponent = a >> 4 & 7;
        int mantissa = (a & 0x0F) << 4;
        int magnitude = exponent == 0 ? mantissa + 8 : mantissa + 0x108 << exponent - 1;
        return (a & 0x80) != 0 ? magnitude : -magnitude;
    }

    private static void require(boolean condition, String problem) throws IOException {
        if (!condition) {
            throw new IOException(problem);
        }
    }
}
