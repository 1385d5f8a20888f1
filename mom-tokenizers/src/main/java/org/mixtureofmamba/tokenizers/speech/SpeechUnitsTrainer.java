package org.mixtureofmamba.tokenizers.speech;

import java.util.ArrayList;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.Codebook;
import org.mixtureofmamba.tokenizers.quantize.KMeans;
import org.mixtureofmamba.tokenizers.quantize.PrincipalComponents;

/**
 * Learns {@link SpeechUnits}: principal components of the log-mel frames under and around each unit, k-means over them, and the
 * mean frames of each cluster to sound as.
 *
 * @param units number of units
 * @param context log-mel frames on either side of a unit's own four that it is told by
 * @param dimension principal components kept
 * @param iterations most passes of k-means
 * @param maxSeconds how much sound is kept in memory; what comes after it is not heard
 * @param seed of k-means
 */
public record SpeechUnitsTrainer(int units, int context, int dimension, int iterations, int maxSeconds, long seed) {
    public SpeechUnitsTrainer {
        if (units < 1 || context < 0 || dimension < 1 || dimension > SpeechUnits.window(context) || iterations < 1 || maxSeconds < 1) {
            throw new UserException(("%d units, context %d, dimension %d, %d iterations, %d seconds: "
                    + "all must be positive, the dimension at most %d").formatted(units, context, dimension, iterations, maxSeconds,
                            SpeechUnits.window(context)));
        }
    }

    /** 500 units at 25 Hz. */
    public static SpeechUnitsTrainer standard(long seed) {
        return new SpeechUnitsTrainer(500, 0, 64, 40, 4 * 3600, seed);
    }

    /**
     * Learns from mono recordings at 16 kHz in [-1, 1].
     *
     * @throws UserException if they hold fewer different frames than there are units
     */
    public SpeechUnits train(Stream<float[]> recordings) {
        var spectra = new ArrayList<float[]>();
        var heard = new long[1];
        recordings.sequential().takeWhile(pcm -> heard[0] < (long) maxSeconds * AudioFiles.SAMPLE_RATE).forEach(pcm -> {
            heard[0] += pcm.length;
            if (pcm.length > 0) {
                spectra.add(LogMel.of(pcm, SpeechUnits.unitCount(pcm.length) * SpeechUnits.FRAMES));
            }
        });
        float[] windows = concatenate(spectra.stream().map(s -> SpeechUnits.windows(s, context)).toList());
        float[] own = concatenate(spectra.stream().map(s -> SpeechUnits.windows(s, 0)).toList());
        int window = SpeechUnits.window(context);
        if (windows.length / window < units) {
            throw new UserException("%d units need as many pieces of 40 ms, there are %d; give more sound".formatted(units,
                    windows.length / window));
        }
        var components = PrincipalComponents.of(windows, window, dimension);
        float[] points = SpeechUnits.project(windows, components.mean(), components.directions(), dimension);
        var clustering = new KMeans(units, iterations, seed).cluster(points, dimension);
        return new SpeechUnits(context, components.mean(), components.directions(), clustering.codebook(),
                meanFrames(own, clustering.codes(), clustering.codebook()));
    }

    /** Mean of the frames of each unit [units, FRAMES, BANDS]. */
    private static float[] meanFrames(float[] frames, int[] codes, Codebook codebook) {
        int size = SpeechUnits.FRAMES * LogMel.BANDS;
        double[] sum = new double[codebook.size() * size];
        int[] count = new int[codebook.size()];
        for (int i = 0; i < codes.length; i++) {
            count[codes[i]]++;
            for (int k = 0; k < size; k++) {
                sum[codes[i] * size + k] += frames[i * size + k];
            }
        }
        float[] means = new float[sum.length];
        for (int k = 0; k < sum.length; k++) {
            // a unit that no frame chose is silent
            means[k] = count[k / size] == 0 ? (float) Math.log(LogMel.FLOOR) : (float) (sum[k] / count[k / size]);
        }
        return means;
    }

    private static float[] concatenate(Iterable<float[]> parts) {
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
