package org.mixtureofmamba.tokenizers.speech;

import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.tokenizers.StepListener;
import org.mixtureofmamba.tokenizers.quantize.PrincipalComponents;

/**
 * Log-mel frames of units: a sum of what each unit and its neighbours contribute, in the space of the frames' principal
 * components. A unit sounds different between different neighbours, and the joins are smooth.
 *
 * @param units number of units
 * @param reach neighbours on either side that take part
 * @param mean of a unit's frames [FRAMES * BANDS]
 * @param basis principal components [rank, FRAMES * BANDS], orthonormal
 * @param tables what a unit at each place from -reach to reach contributes [2 reach + 1, units, rank]
 */
record UnitVocoder(int units, int reach, float[] mean, float[] basis, float[] tables) {
    /** Numbers of a unit's own log-mel frames. */
    static final int SIZE = SpeechUnits.FRAMES * LogMel.BANDS;

    private static final int CONJUGATE_STEPS = 50;

    UnitVocoder {
        if (mean.length != SIZE
                || basis.length % SIZE != 0
                || tables.length != (2 * reach + 1) * units * (basis.length / SIZE)) {
            throw new IllegalArgumentException("parts of the vocoder do not fit each other");
        }
    }

    private int rank() {
        return basis.length / SIZE;
    }

    /** Log-mels [codes.length * FRAMES, BANDS] of a sequence of units. */
    float[] mels(int[] codes) {
        int rank = rank();
        float[] mels = new float[codes.length * SIZE];
        float[] sum = new float[rank];
        for (int i = 0; i < codes.length; i++) {
            sumOfRows(codes, i, units, reach, tables, rank, sum);
            System.arraycopy(mean, 0, mels, i * SIZE, SIZE);
            for (int r = 0; r < rank; r++) {
                for (int k = 0; k < SIZE; k++) {
                    mels[i * SIZE + k] += sum[r] * basis[r * SIZE + k];
                }
            }
        }
        return mels;
    }

    private static void sumOfRows(int[] codes, int i, int units, int reach, float[] tables, int rank, float[] sum) {
        Arrays.fill(sum, 0);
        for (int k = Math.max(0, i - reach); k <= Math.min(codes.length - 1, i + reach); k++) {
            int row = ((k - i + reach) * units + codes[k]) * rank;
            for (int r = 0; r < rank; r++) {
                sum[r] += tables[row + r];
            }
        }
    }

    private static void addToRows(int[] codes, int i, int units, int reach, float[] tables, int rank, float[] sum) {
        for (int k = Math.max(0, i - reach); k <= Math.min(codes.length - 1, i + reach); k++) {
            int row = ((k - i + reach) * units + codes[k]) * rank;
            for (int r = 0; r < rank; r++) {
                tables[row + r] += sum[r];
            }
        }
    }

    /**
     * Ridge regression of frames on units (Hoerl and Kennard 1970), by conjugate gradients on the normal equations.
     *
     * @param codes units of each recording
     * @param frames log-mels of each recording, FRAMES a unit
     * @param ridge what is added to the diagonal, in occurrences of a unit
     */
    static UnitVocoder fit(
            List<int[]> codes,
            List<float[]> frames,
            int units,
            int reach,
            int rank,
            float ridge,
            StepListener listener) {
        float[] all = SpeechUnitsTrainer.concatenate(frames);
        var components = PrincipalComponents.of(all, SIZE, rank);
        float[] targets = SpeechUnits.project(all, components.mean(), components.directions(), rank);
        float[] right = new float[(2 * reach + 1) * units * rank];
        float[] row = new float[rank];
        int at = 0;
        for (int[] sequence : codes) {
            for (int i = 0; i < sequence.length; i++, at += rank) {
                System.arraycopy(targets, at, row, 0, rank);
                addToRows(sequence, i, units, reach, right, rank, row);
            }
        }
        float[] tables = solve(codes, right, units, reach, rank, ridge, listener);
        return new UnitVocoder(units, reach, components.mean(), components.directions(), tables);
    }

    /** Solves (counts + ridge) x = right for each of the rank columns at once. */
    private static float[] solve(
            List<int[]> codes, float[] right, int units, int reach, int rank, float ridge, StepListener listener) {
        float[] x = new float[right.length];
        float[] residual = right.clone();
        float[] direction = right.clone();
        double[] energy = columnProducts(residual, residual, rank);
        float[] row = new float[rank];
        for (int step = 0; step < CONJUGATE_STEPS; step++) {
            float[] image = new float[right.length];
            for (int[] sequence : codes) {
                for (int i = 0; i < sequence.length; i++) {
                    sumOfRows(sequence, i, units, reach, direction, rank, row);
                    addToRows(sequence, i, units, reach, image, rank, row);
                }
            }
            for (int k = 0; k < image.length; k++) {
                image[k] += ridge * direction[k];
            }
            double[] curvature = columnProducts(direction, image, rank);
            for (int k = 0; k < x.length; k++) {
                int column = k % rank;
                float length = curvature[column] > 0 ? (float) (energy[column] / curvature[column]) : 0;
                x[k] += length * direction[k];
                residual[k] -= length * image[k];
            }
            double[] next = columnProducts(residual, residual, rank);
            for (int k = 0; k < x.length; k++) {
                int column = k % rank;
                direction[k] =
                        residual[k] + (energy[column] > 0 ? (float) (next[column] / energy[column]) : 0) * direction[k];
            }
            energy = next;
            listener.stepped("steps", step + 1, CONJUGATE_STEPS);
        }
        return x;
    }

    private static double[] columnProducts(float[] a, float[] b, int rank) {
        double[] sums = new double[rank];
        for (int k = 0; k < a.length; k++) {
            sums[k % rank] += (double) a[k] * b[k];
        }
        return sums;
    }
}
