package org.mixtureofmamba.tokenizers.speech;

import java.math.BigInteger;
import java.util.Arrays;

/**
 * Band-limited resampling by a Kaiser-windowed sinc (Smith, Digital Audio Resampling): flat to 0.94 of the lower
 * Nyquist frequency, images about 80 dB down. Filters of all phases of the ratio are made once.
 */
public final class Resampler {
    /** Zero crossings of the sinc on either side. */
    private static final int ZERO_CROSSINGS = 32;

    private static final double KAISER_BETA = 8.6;
    private static final double ROLLOFF = 0.96;
    private static final int MAX_PHASES = 1 << 12;

    private final long from;
    private final long to;
    private final int phases;
    /** Taps on either side of an output sample. */
    private final int reach;
    /** [phases, 2 reach]: weights of the source samples around an output sample. */
    private final float[][] filters;

    private Resampler(int from, int to) {
        int common = BigInteger.valueOf(from).gcd(BigInteger.valueOf(to)).intValue();
        this.from = from / common;
        this.to = to / common;
        phases = (int) Math.min(this.to, MAX_PHASES);
        double cutoff = ROLLOFF * Math.min(1, (double) to / from);
        reach = (int) Math.ceil(ZERO_CROSSINGS / cutoff);
        filters = from == to ? new float[0][] : filters(cutoff);
    }

    /** A resampler from one rate to another, in Hz. */
    public static Resampler between(int from, int to) {
        if (from < 1 || to < 1) {
            throw new IllegalArgumentException("rates of %d and %d Hz".formatted(from, to));
        }
        return new Resampler(from, to);
    }

    private float[][] filters(double cutoff) {
        float[][] bank = new float[phases][2 * reach];
        for (int p = 0; p < phases; p++) {
            double fraction = (double) p / phases;
            double[] taps = new double[2 * reach];
            double sum = 0;
            for (int k = 0; k < taps.length; k++) {
                double t = k - (reach - 1) - fraction;
                taps[k] = sinc(cutoff * t) * kaiser(t / reach);
                sum += taps[k];
            }
            for (int k = 0; k < taps.length; k++) {
                bank[p][k] = (float) (taps[k] / sum);
            }
        }
        return bank;
    }

    private static double sinc(double x) {
        return Math.abs(x) < 1e-12 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    }

    private static double kaiser(double x) {
        return Math.abs(x) >= 1 ? 0 : besselI0(KAISER_BETA * Math.sqrt(1 - x * x)) / besselI0(KAISER_BETA);
    }

    /** Modified Bessel function of the first kind, order 0, by its power series. */
    private static double besselI0(double x) {
        double sum = 1;
        double term = 1;
        for (int k = 1; term > 1e-12 * sum; k++) {
            term *= x * x / (4.0 * k * k);
            sum += term;
        }
        return sum;
    }

    /** The sound at the new rate, ceil(n to / from) samples; silence is assumed before and after. */
    public float[] resample(float[] samples) {
        if (from == to) {
            return samples.clone();
        }
        var streaming = streaming();
        float[] first = streaming.add(samples);
        float[] last = streaming.finish();
        float[] out = Arrays.copyOf(first, first.length + last.length);
        System.arraycopy(last, 0, out, first.length, last.length);
        return out;
    }

    /**
     * Resamples one sound that comes in blocks; the sum of the blocks that come out is what {@link #resample} gives,
     * bit for bit.
     */
    Streaming streaming() {
        return new Streaming();
    }

    final class Streaming {
        /** Samples [start, start + size) of the sound: those that outputs still to come may need. */
        private float[] kept = new float[4 * reach];

        private long start;
        private int size;
        private long given;

        /** Takes a block and returns the samples that now are certain. */
        float[] add(float[] block) {
            if (from == to) {
                return block;
            }
            kept = SoundReader.grown(kept, size + block.length);
            System.arraycopy(block, 0, kept, size, block.length);
            size += block.length;
            // an output at a whole position w needs the samples up to w + reach
            long certain = start + size - reach;
            return certain <= 0 ? new float[0] : give(Math.ceilDiv(certain * to, from));
        }

        /** The samples that waited for what might have come after them. */
        float[] finish() {
            return from == to ? new float[0] : give(Math.ceilDiv((start + size) * to, from));
        }

        private float[] give(long end) {
            float[] out = new float[Math.toIntExact(Math.max(0, end - given))];
            for (int i = 0; i < out.length; i++) {
                long position = (given + i) * from;
                long whole = position / to;
                // with more phases than filters the nearest earlier one serves, 1/4096 of a sample off at most
                float[] filter = filters[(int) (position % to * phases / to)];
                int first = (int) (whole - (reach - 1) - start);
                float sum = 0;
                for (int k = Math.max(0, -first); k < filter.length && first + k < size; k++) {
                    sum += filter[k] * kept[first + k];
                }
                out[i] = sum;
            }
            given += out.length;
            int done = (int) Math.clamp(given * from / to - reach - start, 0, size);
            System.arraycopy(kept, done, kept, 0, size - done);
            start += done;
            size -= done;
            return out;
        }
    }
}
