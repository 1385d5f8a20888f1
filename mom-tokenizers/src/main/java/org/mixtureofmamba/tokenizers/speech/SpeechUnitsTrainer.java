package org.mixtureofmamba.tokenizers.speech;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.StepListener;
import org.mixtureofmamba.tokenizers.quantize.KMeans;
import org.mixtureofmamba.tokenizers.quantize.PrincipalComponents;

/**
 * Learns {@link SpeechUnits}: k-means over the cepstra under and around each unit, each coefficient scaled by its
 * spread to a power, in the space of their principal components; then the frames that units and their neighbours sound
 * as, by regression.
 *
 * @param units number of units
 * @param cepstra coefficients that tell a unit
 * @param bands log-mel bands they are taken of
 * @param spreadPower 0 leaves coefficients as they are, so that the loud ones decide; 1 gives all the same say
 * @param context log-mel frames on either side of a unit's own four that it is told by
 * @param dimension principal components kept
 * @param iterations most passes of k-means
 * @param maxSeconds how much sound is kept in memory; what comes after it is not heard
 * @param seed of k-means
 */
public record SpeechUnitsTrainer(
        int units,
        int cepstra,
        int bands,
        double spreadPower,
        int context,
        int dimension,
        int iterations,
        int maxSeconds,
        long seed) {
    /** Neighbours on either side that a unit's sound depends on. */
    private static final int VOCODER_REACH = 1;

    private static final int VOCODER_RANK = 64;
    private static final float VOCODER_RIDGE = 0.3f;

    public SpeechUnitsTrainer {
        if (units < 1
                || cepstra < 1
                || bands < cepstra
                || bands > LogMel.BANDS
                || spreadPower < 0
                || context < 0
                || dimension < 1
                || dimension > SpeechUnits.window(new Cepstra(bands, cepstra), context)
                || iterations < 1
                || maxSeconds < 1) {
            throw new UserException(
                    ("%d units, %d cepstra of %d bands, context %d, dimension %d, %d iterations, %d seconds: all must be "
                                    + "positive, the cepstra at most the bands, the bands at most %d, the dimension at most cepstra times frames")
                            .formatted(
                                    units, cepstra, bands, context, dimension, iterations, maxSeconds, LogMel.BANDS));
        }
    }

    /** 500 units at 25 Hz, told by the shape of the spectrum up to 3.4 kHz. */
    public static SpeechUnitsTrainer standard(long seed) {
        return new SpeechUnitsTrainer(500, 12, 56, 0.5, 2, 24, 40, 4 * 3600, seed);
    }

    public SpeechUnitsTrainer withUnits(int count) {
        return new SpeechUnitsTrainer(
                count, cepstra, bands, spreadPower, context, dimension, iterations, maxSeconds, seed);
    }

    public SpeechUnitsTrainer withIterations(int most) {
        return new SpeechUnitsTrainer(units, cepstra, bands, spreadPower, context, dimension, most, maxSeconds, seed);
    }

    /**
     * Learns from mono recordings at 16 kHz in [-1, 1].
     *
     * @throws UserException if they hold fewer different frames than there are units
     */
    public SpeechUnits train(Stream<float[]> recordings) {
        return train(recordings, StepListener.SILENT);
    }

    /** The same with somebody who hears of each pass of k-means, then of each step of the regression. */
    public SpeechUnits train(Stream<float[]> recordings, StepListener listener) {
        var spectra = new ArrayList<float[]>();
        var heard = new long[1];
        recordings
                .sequential()
                .takeWhile(pcm -> heard[0] < (long) maxSeconds * AudioFiles.SAMPLE_RATE)
                .forEach(pcm -> {
                    heard[0] += pcm.length;
                    if (pcm.length > 0) {
                        spectra.add(LogMel.of(pcm, SpeechUnits.unitCount(pcm.length) * SpeechUnits.FRAMES));
                    }
                });
        var coefficients = new Cepstra(bands, cepstra);
        var frames = spectra.stream()
                .map(mels -> coefficients.of(mels, mels.length / LogMel.BANDS))
                .toList();
        float[] windows = concatenate(frames.stream()
                .map(f -> SpeechUnits.windows(f, cepstra, context))
                .toList());
        int window = SpeechUnits.window(coefficients, context);
        if (windows.length / window < units) {
            throw new UserException("%d units need as many pieces of 40 ms, there are %d; give more sound"
                    .formatted(units, windows.length / window));
        }
        float[] scale = scale(windows);
        float[] scaled = new float[windows.length];
        for (int i = 0; i < windows.length; i++) {
            scaled[i] = windows[i] * scale[i % cepstra];
        }
        var components = PrincipalComponents.of(scaled, window, dimension);
        // the scale becomes part of mean and projection
        float[] mean = components.mean().clone();
        float[] projection = components.directions().clone();
        for (int k = 0; k < window; k++) {
            mean[k] /= scale[k % cepstra];
            for (int d = 0; d < dimension; d++) {
                projection[d * window + k] *= scale[k % cepstra];
            }
        }
        float[] points = SpeechUnits.project(windows, mean, projection, dimension);
        var clustering = new KMeans(units, iterations, seed).cluster(points, dimension, listener);
        var vocoder = UnitVocoder.fit(
                split(clustering.codes(), spectra),
                spectra,
                units,
                VOCODER_REACH,
                VOCODER_RANK,
                VOCODER_RIDGE,
                listener);
        return new SpeechUnits(coefficients, context, mean, projection, clustering.codebook(), vocoder);
    }

    /** For each coefficient its standard deviation to the power -spreadPower [cepstra]. */
    private float[] scale(float[] windows) {
        double[] sum = new double[cepstra];
        double[] squares = new double[cepstra];
        for (int i = 0; i < windows.length; i++) {
            sum[i % cepstra] += windows[i];
            squares[i % cepstra] += (double) windows[i] * windows[i];
        }
        double n = (double) windows.length / cepstra;
        float[] scale = new float[cepstra];
        for (int k = 0; k < cepstra; k++) {
            double variance = squares[k] / n - sum[k] / n * (sum[k] / n);
            scale[k] = variance > 1e-12 ? (float) Math.pow(variance, -spreadPower / 2) : 1;
        }
        return scale;
    }

    /** The codes of each recording. */
    private static List<int[]> split(int[] codes, List<float[]> spectra) {
        var parts = new ArrayList<int[]>();
        int at = 0;
        for (float[] mels : spectra) {
            int count = mels.length / UnitVocoder.SIZE;
            parts.add(Arrays.copyOfRange(codes, at, at + count));
            at += count;
        }
        return parts;
    }

    static float[] concatenate(Iterable<float[]> parts) {
        long total = 0;
        for (float[] part : parts) {
            total += part.length;
        }
        float[] all = new float[Math.toIntExact(total)];
        int at = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }
}
