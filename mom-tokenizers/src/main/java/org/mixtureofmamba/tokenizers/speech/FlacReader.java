package org.mixtureofmamba.tokenizers.speech;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * FLAC (RFC 9639), every checksum verified: CRC-8 of a frame's header, CRC-16 of the frame, MD5 of all samples where
 * the file has it. What damage changed is refused, never heard. Memory is a frame's: metadata other than STREAMINFO is
 * passed over.
 */
final class FlacReader implements SoundReader {
    private static final int STREAM_INFO_BYTES = 34;
    private static final int MAX_BITS = 24;
    private static final int INDEPENDENT_CHANNELS = 8;
    private static final int LEFT_SIDE = 8;
    private static final int SIDE_RIGHT = 9;
    private static final int MID_SIDE = 10;
    /** Frame headers name common rates by a code, in Hz; 0 stands for "as STREAMINFO says" and for other codes. */
    private static final int[] RATES = {
        0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000
    };

    private static final int[] SAMPLE_BITS = {0, 8, 12, -1, 16, 20, 24, 32};
    /** Coefficients of the fixed predictors by their order; RFC 9639, section 9.2.5. */
    private static final int[][] FIXED = {{}, {1}, {2, -1}, {3, -3, 1}, {4, -6, 4, -1}};

    private final FlacBits in;
    private final int sampleRate;
    private final int channels;
    private final int bits;
    private final long total;
    private final byte[] expectedDigest;
    private final MessageDigest digest;
    private long decoded;

    FlacReader(InputStream stream) throws IOException {
        in = new FlacBits(stream);
        in.skip(4);
        int header = in.bits(8);
        require((header & 0x7F) == 0 && in.bits(24) == STREAM_INFO_BYTES, "it does not begin with STREAMINFO");
        in.skip(10);
        sampleRate = SoundReader.requireRate(in.bits(20));
        channels = in.bits(3) + 1;
        bits = in.bits(5) + 1;
        total = (long) in.bits(4) << 32 | in.bits(32) & 0xFFFFFFFFL;
        expectedDigest = new byte[16];
        for (int i = 0; i < expectedDigest.length; i++) {
            expectedDigest[i] = (byte) in.bits(8);
        }
        require(bits >= 4 && bits <= MAX_BITS, "%d bits a sample are not supported; convert it to 16".formatted(bits));
        while ((header & 0x80) == 0) {
            header = in.bits(8);
            require((header & 0x7F) != 0x7F, "its metadata is damaged");
            in.skip(in.bits(24));
        }
        try {
            digest = MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has MD5", e);
        }
    }

    @Override
    public int sampleRate() {
        return sampleRate;
    }

    @Override
    public float[] next() throws IOException {
        // behind the last sample a file may hold tags of other formats
        if (total > 0 && decoded >= total || total == 0 && in.atEnd()) {
            requireDigest();
            return new float[0];
        }
        int[][] pcm;
        try {
            pcm = frame();
        } catch (EOFException e) {
            throw new IOException("it is cut short after %d of %d samples".formatted(decoded, total), e);
        }
        int length = pcm[0].length;
        decoded += length;
        require(total == 0 || decoded <= total, "it holds more than the %d samples it claims".formatted(total));
        digest(pcm, length);
        return mean(pcm, length);
    }

    private float[] mean(int[][] pcm, int length) {
        float scale = 1 << bits - 1;
        float[] samples = new float[length];
        for (int i = 0; i < length; i++) {
            float sum = 0;
            for (int[] channel : pcm) {
                sum += channel[i] / scale;
            }
            samples[i] = sum / channels;
        }
        return samples;
    }

    private void digest(int[][] pcm, int length) {
        int sampleBytes = (bits + 7) / 8;
        var bytes = ByteBuffer.allocate(length * channels * sampleBytes);
        for (int i = 0; i < length; i++) {
            for (int[] channel : pcm) {
                for (int b = 0; b < sampleBytes; b++) {
                    bytes.put((byte) (channel[i] >> 8 * b));
                }
            }
        }
        digest.update(bytes.array());
    }

    private void requireDigest() throws IOException {
        boolean known = !Arrays.equals(expectedDigest, new byte[expectedDigest.length]);
        require(
                !known || Arrays.equals(digest.digest(), expectedDigest),
                "its samples are not those it was made from: the MD5 differs");
    }

    /** The samples of the next frame, [channels][length]. */
    private int[][] frame() throws IOException {
        in.resetChecksums();
        require(in.bits(15) == 0x7FFC, "%s does not begin as a frame does".formatted(place()));
        in.bits(1);
        int sizeCode = in.bits(4);
        int rateCode = in.bits(4);
        int assignment = in.bits(4);
        int frameBits = SAMPLE_BITS[in.bits(3)];
        boolean reserved = in.bits(1) != 0;
        skipNumber();
        int length = blockSize(sizeCode);
        int rate = rate(rateCode);
        require(in.headerMatches(), "the header of %s is damaged".formatted(place()));
        require(length > 0 && !reserved && assignment <= MID_SIDE, "%s has no known form".formatted(place()));
        require(
                (rate == 0 || rate == sampleRate)
                        && (frameBits == 0 || frameBits == bits)
                        && (assignment < INDEPENDENT_CHANNELS ? assignment + 1 : 2) == channels,
                "%s has another rate, size or number of samples than the file says".formatted(place()));
        int[][] pcm = new int[channels][length];
        for (int c = 0; c < channels; c++) {
            boolean side = assignment == SIDE_RIGHT ? c == 0 : assignment >= LEFT_SIDE && c == 1;
            subframe(pcm[c], side ? bits + 1 : bits);
        }
        in.align();
        require(in.frameMatches(), "%s is damaged".formatted(place()));
        if (assignment >= LEFT_SIDE) {
            join(pcm[0], pcm[1], assignment);
        }
        return pcm;
    }

    private String place() {
        return "the frame after sample %d".formatted(decoded);
    }

    /** The frame's number, coded as UTF-8 codes characters. */
    private void skipNumber() throws IOException {
        int first = in.bits(8);
        int more = Integer.numberOfLeadingZeros(~(first << 24));
        require(more != 1 && more <= 7, "the header of %s is damaged".formatted(place()));
        in.skip(Math.max(0, more - 1));
    }

    private int blockSize(int code) throws IOException {
        return switch (code) {
            case 0 -> 0;
            case 1 -> 192;
            case 2, 3, 4, 5 -> 576 << code - 2;
            case 6 -> in.bits(8) + 1;
            case 7 -> in.bits(16) + 1;
            default -> 256 << code - 8;
        };
    }

    /** In Hz; 0 if the frame does not say. */
    private int rate(int code) throws IOException {
        return switch (code) {
            case 12 -> in.bits(8) * 1000;
            case 13 -> in.bits(16);
            case 14 -> in.bits(16) * 10;
            case 15 -> -1;
            default -> RATES[code];
        };
    }

    private static void join(int[] first, int[] second, int assignment) {
        for (int i = 0; i < first.length; i++) {
            int a = first[i];
            int b = second[i];
            switch (assignment) {
                case LEFT_SIDE -> second[i] = a - b;
                case SIDE_RIGHT -> first[i] = a + b;
                default -> {
                    int mid = a << 1 | b & 1;
                    first[i] = mid + b >> 1;
                    second[i] = mid - b >> 1;
                }
            }
        }
    }

    private void subframe(int[] out, int sampleBits) throws IOException {
        require(in.bits(1) == 0, "%s is damaged".formatted(place()));
        int type = in.bits(6);
        int wasted = in.bits(1) == 0 ? 0 : in.zeros() + 1;
        require(wasted < sampleBits, "%s is damaged".formatted(place()));
        int width = sampleBits - wasted;
        if (type == 0) {
            Arrays.fill(out, in.signed(width));
        } else if (type == 1) {
            for (int i = 0; i < out.length; i++) {
                out[i] = in.signed(width);
            }
        } else if (type >= 8 && type <= 12) {
            int order = type - 8;
            warmUp(out, order, width);
            residual(out, order);
            predict(out, FIXED[order], 0);
        } else {
            require(type >= 32, "%s has no known form".formatted(place()));
            linear(out, type - 31, width);
        }
        for (int i = 0; wasted > 0 && i < out.length; i++) {
            out[i] <<= wasted;
        }
    }

    private void linear(int[] out, int order, int width) throws IOException {
        warmUp(out, order, width);
        int precision = in.bits(4) + 1;
        int shift = in.signed(5);
        require(precision < 16 && shift >= 0, "%s has no known form".formatted(place()));
        int[] coefficients = new int[order];
        for (int i = 0; i < order; i++) {
            coefficients[i] = in.signed(precision);
        }
        residual(out, order);
        predict(out, coefficients, shift);
    }

    private void warmUp(int[] out, int order, int width) throws IOException {
        require(order <= out.length, "%s is damaged".formatted(place()));
        for (int i = 0; i < order; i++) {
            out[i] = in.signed(width);
        }
    }

    /** Adds to each residual what the samples before it predict. */
    private static void predict(int[] out, int[] coefficients, int shift) {
        for (int i = coefficients.length; i < out.length; i++) {
            long sum = 0;
            for (int k = 0; k < coefficients.length; k++) {
                sum += (long) coefficients[k] * out[i - 1 - k];
            }
            out[i] += (int) (sum >> shift);
        }
    }

    /** Residuals in partitions, each with a Rice parameter of its own; RFC 9639, section 9.2.7. */
    private void residual(int[] out, int order) throws IOException {
        int method = in.bits(2);
        require(method <= 1, "%s has no known form".formatted(place()));
        int parameterBits = 4 + method;
        int escape = (1 << parameterBits) - 1;
        int partitions = 1 << in.bits(4);
        int size = out.length / partitions;
        require(size * partitions == out.length && size >= order, "%s is damaged".formatted(place()));
        for (int p = 0, i = order; p < partitions; p++) {
            int parameter = in.bits(parameterBits);
            int plainBits = parameter == escape ? in.bits(5) : 0;
            for (; i < (p + 1) * size; i++) {
                out[i] = parameter == escape ? in.signed(plainBits) : in.rice(parameter);
            }
        }
    }

    private static void require(boolean condition, String problem) throws IOException {
        if (!condition) {
            throw new IOException(problem);
        }
    }
}
