package org.mixtureofmamba.tokenizers.speech;

import java.util.Arrays;
import java.util.SplittableRandom;

import org.jtransforms.fft.FloatFFT_1D;

/**
 * Sound from log-mel frames: magnitudes that would give those mels, then phases that fit the magnitudes by alternating
 * projections with momentum (Griffin and Lim 1984; Perraudin, Balazs and Sondergaard 2013).
 */
final class GriffinLim {
    private static final int ITERATIONS = 60;
    private static final float MOMENTUM = 0.99f;
    /** Rounds of the multiplicative update that turns band means into bins. */
    private static final int UNMEL_ROUNDS = 20;

    private GriffinLim() {}

    /** Sound of frames * HOP samples from log-mels [frames, BANDS]. The first phases are drawn from a fixed seed. */
    static float[] synthesize(float[] logMels, int frames) {
        if (frames == 0) {
            return new float[0];
        }
        float[] magnitude = magnitudes(logMels, frames);
        int n = frames * LogMel.HOP;
        float[] spectra = randomPhases(magnitude, frames);
        float[] former = spectra.clone();
        float[] norm = windowNorm(n, frames);
        var fft = LogMel.fft();
        float[] work = new float[LogMel.FFT];
        float[] pcm = inverse(spectra, frames, n, norm, fft, work);
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            for (int f = 0; f < frames; f++) {
                LogMel.spectrum(pcm, f, fft, work);
                int at = f * LogMel.FFT;
                for (int i = 0; i < LogMel.FFT; i++) {
                    float rebuilt = work[i];
                    work[i] = rebuilt + MOMENTUM * (rebuilt - former[at + i]);
                    former[at + i] = rebuilt;
                }
                impose(magnitude, f * LogMel.BINS, work, spectra, at);
            }
            pcm = inverse(spectra, frames, n, norm, fft, work);
        }
        return pcm;
    }

    /**
     * Magnitudes [frames, BINS], not negative, whose band means are the mels: Lee and Seung's multiplicative least
     * squares.
     */
    private static float[] magnitudes(float[] logMels, int frames) {
        float[] magnitude = new float[frames * LogMel.BINS];
        float[] target = new float[LogMel.BANDS];
        float[] bins = new float[LogMel.BINS];
        float[] wanted = new float[LogMel.BINS];
        float[] given = new float[LogMel.BINS];
        for (int f = 0; f < frames; f++) {
            for (int band = 0; band < LogMel.BANDS; band++) {
                float mel = (float) Math.exp(logMels[f * LogMel.BANDS + band]);
                target[band] = Math.max(0, mel - LogMel.FLOOR);
            }
            spread(target, wanted);
            Arrays.fill(bins, 1e-3f);
            for (int round = 0; round < UNMEL_ROUNDS; round++) {
                spread(means(bins), given);
                for (int bin = 0; bin < LogMel.BINS; bin++) {
                    bins[bin] *= wanted[bin] / (given[bin] + 1e-12f);
                }
            }
            System.arraycopy(bins, 0, magnitude, f * LogMel.BINS, LogMel.BINS);
        }
        return magnitude;
    }

    private static float[] means(float[] bins) {
        float[] mels = new float[LogMel.BANDS];
        for (int band = 0; band < LogMel.BANDS; band++) {
            for (int bin = LogMel.firstBin(band); bin <= LogMel.lastBin(band); bin++) {
                mels[band] += LogMel.weight(band, bin) * bins[bin];
            }
        }
        return mels;
    }

    private static void spread(float[] mels, float[] bins) {
        Arrays.fill(bins, 0);
        for (int band = 0; band < LogMel.BANDS; band++) {
            for (int bin = LogMel.firstBin(band); bin <= LogMel.lastBin(band); bin++) {
                bins[bin] += LogMel.weight(band, bin) * mels[band];
            }
        }
    }

    private static float[] randomPhases(float[] magnitude, int frames) {
        var random = new SplittableRandom(0);
        float[] unit = new float[LogMel.FFT];
        float[] spectra = new float[frames * LogMel.FFT];
        for (int f = 0; f < frames; f++) {
            for (int i = 0; i < LogMel.FFT; i++) {
                unit[i] = (float) (random.nextDouble() - 0.5);
            }
            impose(magnitude, f * LogMel.BINS, unit, spectra, f * LogMel.FFT);
        }
        return spectra;
    }

    /** Gives a packed spectrum the wanted magnitudes and keeps its phases. */
    private static void impose(float[] magnitude, int row, float[] packed, float[] out, int at) {
        out[at] = Math.copySign(magnitude[row], packed[0]);
        out[at + 1] = Math.copySign(magnitude[row + LogMel.BINS - 1], packed[1]);
        for (int bin = 1; bin < LogMel.BINS - 1; bin++) {
            float re = packed[2 * bin];
            float im = packed[2 * bin + 1];
            float scale = magnitude[row + bin] / ((float) Math.sqrt(re * re + im * im) + 1e-12f);
            out[at + 2 * bin] = re * scale;
            out[at + 2 * bin + 1] = im * scale;
        }
    }

    /** Sum of the squared windows over each sample, which overlap-add divides by. */
    private static float[] windowNorm(int n, int frames) {
        float[] norm = new float[n];
        float[] window = LogMel.window();
        for (int f = 0; f < frames; f++) {
            int start = f * LogMel.HOP + LogMel.HOP / 2 - LogMel.WINDOW / 2;
            for (int i = Math.max(0, -start); i < LogMel.WINDOW && start + i < n; i++) {
                norm[start + i] += window[i] * window[i];
            }
        }
        return norm;
    }

    private static float[] inverse(float[] spectra, int frames, int n, float[] norm, FloatFFT_1D fft, float[] work) {
        float[] pcm = new float[n];
        float[] window = LogMel.window();
        for (int f = 0; f < frames; f++) {
            System.arraycopy(spectra, f * LogMel.FFT, work, 0, LogMel.FFT);
            fft.realInverse(work, true);
            int start = f * LogMel.HOP + LogMel.HOP / 2 - LogMel.WINDOW / 2;
            for (int i = Math.max(0, -start); i < LogMel.WINDOW && start + i < n; i++) {
                pcm[start + i] += window[i] * work[i];
            }
        }
        for (int i = 0; i < n; i++) {
            pcm[i] /= Math.max(norm[i], 1e-6f);
        }
        return pcm;
    }
}
