package org.mixtureofmamba.tokenizers.speech;

import java.util.Arrays;

import org.jtransforms.fft.FloatFFT_1D;
import org.mixtureofmamba.tokenizers.OptionalLibrary;

/**
 * Log-mel spectra of 16 kHz sound: frames of 40 ms (Hann) every 10 ms, 80 triangular bands on the mel scale from 0 to 8
 * kHz (O'Shaughnessy's formula), natural logarithm of the band's mean magnitude over a floor. Frame f is centred on
 * sample 160 f + 80.
 */
final class LogMel {
    static final int BANDS = 80;
    /** Samples from one frame to the next. */
    static final int HOP = 160;

    static final int WINDOW = 640;
    static final int FFT = 1024;
    static final int BINS = FFT / 2 + 1;
    /** Magnitudes under this count as silence; about one step of 16-bit sound. */
    static final float FLOOR = 1e-3f;

    private static final float[] HANN = hann();
    private static final float[][] WEIGHTS = weights();
    private static final int[] FIRST_BIN = new int[BANDS];
    private static final int[] LAST_BIN = new int[BANDS];

    static {
        for (int band = 0; band < BANDS; band++) {
            int first = 0;
            while (WEIGHTS[band][first] == 0) {
                first++;
            }
            int last = BINS - 1;
            while (WEIGHTS[band][last] == 0) {
                last--;
            }
            FIRST_BIN[band] = first;
            LAST_BIN[band] = last;
        }
    }

    private LogMel() {}

    static FloatFFT_1D fft() {
        OptionalLibrary.SPECTRA.require("sound is taken apart into spectra");
        return new FloatFFT_1D(FFT);
    }

    private static float[] hann() {
        float[] window = new float[WINDOW];
        for (int i = 0; i < WINDOW; i++) {
            window[i] = (float) (0.5 - 0.5 * Math.cos(2 * Math.PI * (i + 0.5) / WINDOW));
        }
        return window;
    }

    /** Triangles [band][bin], each scaled to sum to one. */
    private static float[][] weights() {
        double[] edges = new double[BANDS + 2];
        double top = mel(AudioFiles.SAMPLE_RATE / 2.0);
        for (int i = 0; i < edges.length; i++) {
            edges[i] = 700 * (Math.pow(10, top * i / (BANDS + 1) / 2595) - 1);
        }
        float[][] weights = new float[BANDS][BINS];
        for (int band = 0; band < BANDS; band++) {
            double sum = 0;
            for (int bin = 0; bin < BINS; bin++) {
                double frequency = (double) bin * AudioFiles.SAMPLE_RATE / FFT;
                double rise = (frequency - edges[band]) / (edges[band + 1] - edges[band]);
                double fall = (edges[band + 2] - frequency) / (edges[band + 2] - edges[band + 1]);
                weights[band][bin] = (float) Math.max(0, Math.min(rise, fall));
                sum += weights[band][bin];
            }
            for (int bin = 0; bin < BINS; bin++) {
                weights[band][bin] /= (float) sum;
            }
        }
        return weights;
    }

    private static double mel(double frequency) {
        return 2595 * Math.log10(1 + frequency / 700);
    }

    /** Weight of a bin in a band; a band's weights sum to one. */
    static float weight(int band, int bin) {
        return WEIGHTS[band][bin];
    }

    static int firstBin(int band) {
        return FIRST_BIN[band];
    }

    static int lastBin(int band) {
        return LAST_BIN[band];
    }

    static float[] window() {
        return HANN;
    }

    /** Log-mel [frames, BANDS] of the first {@code frames} frames; silence lies beyond the sound's ends. */
    static float[] of(float[] pcm, int frames) {
        float[] mels = new float[frames * BANDS];
        var scratch = new Scratch();
        for (int f = 0; f < frames; f++) {
            frame(pcm, pcm.length, firstSample(f), scratch, mels, f * BANDS);
        }
        return mels;
    }

    /** Index of the sample that frame f's window begins with; negative before the sound. */
    static long firstSample(long f) {
        return f * HOP + HOP / 2 - WINDOW / 2;
    }

    /** What one thread needs for a frame. */
    static final class Scratch {
        private final FloatFFT_1D fft = fft();
        private final float[] work = new float[FFT];
        private final float[] magnitude = new float[BINS];
    }

    /**
     * Writes the frame whose window begins at {@code start} of the first {@code size} samples to {@code mels} at
     * {@code at}.
     */
    static void frame(float[] samples, int size, long start, Scratch scratch, float[] mels, int at) {
        spectrum(samples, size, start, scratch.fft, scratch.work);
        magnitudes(scratch.work, scratch.magnitude);
        for (int band = 0; band < BANDS; band++) {
            float sum = 0;
            for (int bin = FIRST_BIN[band]; bin <= LAST_BIN[band]; bin++) {
                sum += WEIGHTS[band][bin] * scratch.magnitude[bin];
            }
            mels[at + band] = (float) Math.log(Math.max(sum, FLOOR));
        }
    }

    /** Windows frame f into {@code work} [FFT] and transforms it, in JTransforms' packed order. */
    static void spectrum(float[] pcm, int f, FloatFFT_1D fft, float[] work) {
        spectrum(pcm, pcm.length, firstSample(f), fft, work);
    }

    private static void spectrum(float[] samples, int size, long start, FloatFFT_1D fft, float[] work) {
        for (int i = 0; i < WINDOW; i++) {
            long at = start + i;
            work[i] = at >= 0 && at < size ? samples[(int) at] * HANN[i] : 0;
        }
        Arrays.fill(work, WINDOW, FFT, 0);
        fft.realForward(work);
    }

    private static void magnitudes(float[] packed, float[] magnitude) {
        magnitude[0] = Math.abs(packed[0]);
        magnitude[BINS - 1] = Math.abs(packed[1]);
        for (int bin = 1; bin < BINS - 1; bin++) {
            float re = packed[2 * bin];
            float im = packed[2 * bin + 1];
            magnitude[bin] = (float) Math.sqrt(re * re + im * im);
        }
    }
}
