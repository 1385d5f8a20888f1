package org.mixtureofmamba.tokenizers.speech;

import java.util.ArrayList;

import org.jtransforms.fft.FloatFFT_1D;

/**
 * Short-time objective intelligibility of a sound against the clean one (Taal, Hendriks, Heusdens and Jensen 2011): the
 * correlation of their third-octave envelopes over 384 ms, from 0 to 1.
 */
final class Intelligibility {
    private static final int RATE = 10_000;
    private static final int WINDOW = 256;
    private static final int HOP = 128;
    private static final int FFT = 512;
    private static final int BANDS = 15;
    private static final int SEGMENT = 30;
    private static final double DYNAMIC_RANGE_DB = 40;
    private static final double CLIP = 1 + Math.pow(10, 15 / 20.0);

    private Intelligibility() {}

    /** NaN where the sound has less than 384 ms that are not silent. */
    static double of(float[] clean, float[] other) {
        var resampler = Resampler.between(AudioFiles.SAMPLE_RATE, RATE);
        double[][][] envelopes = envelopes(resampler.resample(clean), resampler.resample(other));
        double[][] x = envelopes[0];
        double[][] y = envelopes[1];
        double total = 0;
        int terms = 0;
        for (int m = SEGMENT; m <= x.length; m++) {
            for (int band = 0; band < BANDS; band++) {
                total += correlation(x, y, m, band);
                terms++;
            }
        }
        return total / terms;
    }

    private static double correlation(double[][] x, double[][] y, int end, int band) {
        double[] a = new double[SEGMENT];
        double[] b = new double[SEGMENT];
        double energyA = 1e-20;
        double energyB = 1e-20;
        for (int i = 0; i < SEGMENT; i++) {
            a[i] = x[end - SEGMENT + i][band];
            b[i] = y[end - SEGMENT + i][band];
            energyA += a[i] * a[i];
            energyB += b[i] * b[i];
        }
        double scale = Math.sqrt(energyA / energyB);
        double meanA = 0;
        double meanB = 0;
        for (int i = 0; i < SEGMENT; i++) {
            b[i] = Math.min(b[i] * scale, a[i] * CLIP);
            meanA += a[i] / SEGMENT;
            meanB += b[i] / SEGMENT;
        }
        double ab = 0;
        double aa = 1e-20;
        double bb = 1e-20;
        for (int i = 0; i < SEGMENT; i++) {
            ab += (a[i] - meanA) * (b[i] - meanB);
            aa += (a[i] - meanA) * (a[i] - meanA);
            bb += (b[i] - meanB) * (b[i] - meanB);
        }
        return ab / Math.sqrt(aa * bb);
    }

    /** Third-octave envelopes [2][frames][BANDS] of both, without the frames in which the clean one is silent. */
    private static double[][][] envelopes(float[] clean, float[] other) {
        int frames = Math.max(0, (Math.min(clean.length, other.length) - WINDOW) / HOP);
        double[] level = new double[frames];
        double loudest = -1e9;
        for (int f = 0; f < frames; f++) {
            double energy = 1e-20;
            for (int i = 0; i < WINDOW; i++) {
                double v = clean[f * HOP + i] * hann(i);
                energy += v * v;
            }
            level[f] = 10 * Math.log10(energy);
            loudest = Math.max(loudest, level[f]);
        }
        var kept = new ArrayList<Integer>();
        for (int f = 0; f < frames; f++) {
            if (level[f] > loudest - DYNAMIC_RANGE_DB) {
                kept.add(f);
            }
        }
        double[][][] out = new double[2][kept.size()][BANDS];
        var fft = new FloatFFT_1D(FFT);
        for (int k = 0; k < kept.size(); k++) {
            bands(clean, kept.get(k) * HOP, fft, out[0][k]);
            bands(other, kept.get(k) * HOP, fft, out[1][k]);
        }
        return out;
    }

    private static void bands(float[] samples, int start, FloatFFT_1D fft, double[] out) {
        float[] work = new float[FFT];
        for (int i = 0; i < WINDOW; i++) {
            work[i] = (float) (samples[start + i] * hann(i));
        }
        fft.realForward(work);
        for (int band = 0; band < BANDS; band++) {
            double centre = 150 * Math.pow(2, band / 3.0);
            int from = (int) Math.round(centre * Math.pow(2, -1 / 6.0) * FFT / RATE);
            int to = (int) Math.round(centre * Math.pow(2, 1 / 6.0) * FFT / RATE);
            double energy = 0;
            for (int bin = from; bin < Math.min(to, FFT / 2); bin++) {
                energy += (double) work[2 * bin] * work[2 * bin] + (double) work[2 * bin + 1] * work[2 * bin + 1];
            }
            out[band] = Math.sqrt(energy);
        }
    }

    private static double hann(int i) {
        return 0.5 - 0.5 * Math.cos(2 * Math.PI * (i + 1) / (WINDOW + 1));
    }
}
