package org.mixtureofmamba.tokenizers.speech;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** RIFF WAVE: PCM of 8, 16, 24 and 32 bits, float of 32 and 64, A-law and mu-law (ITU G.711), any number of channels. */
final class WavReader {
    private static final int RIFF_FMT = 0x20746d66;
    private static final int RIFF_DATA = 0x61746164;
    private static final int RIFF_WAVE = 0x45564157;
    private static final int PCM = 1;
    private static final int FLOAT = 3;
    private static final int A_LAW = 6;
    private static final int MU_LAW = 7;
    private static final int EXTENSIBLE = 0xFFFE;

    private WavReader() {}

    private record Format(int code, int channels, int sampleRate, int bits) {
        int frameBytes() {
            return channels * (bits / 8);
        }
    }

    static Sound read(byte[] bytes, int maxSeconds) {
        var in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        require(bytes.length >= 12 && in.getInt(8) == RIFF_WAVE, "the RIFF file holds no WAVE");
        Format format = null;
        for (long at = 12; at + 8 <= bytes.length;) {
            int id = in.getInt((int) at);
            long size = Integer.toUnsignedLong(in.getInt((int) at + 4));
            long body = at + 8;
            if (id == RIFF_FMT) {
                require(size >= 16 && body + size <= bytes.length, "the format chunk is cut short");
                format = format(in, (int) body, (int) size);
            } else if (id == RIFF_DATA) {
                require(format != null, "the data comes before its format");
                // recorders that stream write 0 or all ones for a length they did not know
                boolean unknown = size == 0xFFFFFFFFL || size == 0 && body < bytes.length;
                require(unknown || body + size <= bytes.length, "it ends before its data does");
                long length = unknown ? bytes.length - body : size;
                return decode(in, (int) body, length, format, maxSeconds);
            }
            at = body + size + (size & 1);
        }
        throw new IllegalArgumentException("there is no data chunk");
    }

    private static Format format(ByteBuffer in, int at, int size) {
        int code = Short.toUnsignedInt(in.getShort(at));
        if (code == EXTENSIBLE && size >= 26) {
            code = Short.toUnsignedInt(in.getShort(at + 24));
        }
        var format = new Format(code, Short.toUnsignedInt(in.getShort(at + 2)), in.getInt(at + 4), Short.toUnsignedInt(in.getShort(at + 14)));
        boolean known = switch (code) {
            case PCM -> format.bits == 8 || format.bits == 16 || format.bits == 24 || format.bits == 32;
            case FLOAT -> format.bits == 32 || format.bits == 64;
            case A_LAW, MU_LAW -> format.bits == 8;
            default -> false;
        };
        require(known, "its format %d of %d bits is not known; convert it to PCM of 16 bits".formatted(code, format.bits));
        require(format.channels > 0, "it has no channels");
        return format;
    }

    private static Sound decode(ByteBuffer in, int start, long length, Format format, int maxSeconds) {
        int frames = (int) (length / format.frameBytes());
        Sound.requireSeconds(frames, format.sampleRate, maxSeconds);
        float[] samples = new float[frames];
        int sampleBytes = format.bits / 8;
        for (int i = 0; i < frames; i++) {
            double sum = 0;
            for (int c = 0; c < format.channels; c++) {
                sum += sample(in, start + i * format.frameBytes() + c * sampleBytes, format);
            }
            samples[i] = (float) (sum / format.channels);
        }
        return new Sound(format.sampleRate, samples);
    }

    private static double sample(ByteBuffer in, int at, Format format) {
        double value = switch (format.code) {
            case FLOAT -> format.bits == 32 ? in.getFloat(at) : in.getDouble(at);
            case A_LAW -> aLaw(in.get(at)) / 32768.0;
            case MU_LAW -> muLaw(in.get(at)) / 32768.0;
            default -> switch (format.bits) {
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

    private static void require(boolean condition, String problem) {
        if (!condition) {
            throw new IllegalArgumentException(problem);
        }
    }
}
