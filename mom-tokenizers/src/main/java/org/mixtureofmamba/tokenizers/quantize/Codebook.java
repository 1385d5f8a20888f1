package org.mixtureofmamba.tokenizers.quantize;

import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors [size, dimension] and the search for the nearest of them in squared Euclidean distance; ties go to the lower
 * code.
 */
public final class Codebook {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
    private static final int POINTS = 4;

    private final int size;
    private final int dimension;
    private final float[] vectors;
    /** [dimension, size], so that the inner loop of the search runs over codes and vectorises. */
    private final float[] transposed;

    private final float[] halfSquaredNorm;

    /** @param vectors row-major [size, dimension], copied */
    public Codebook(float[] vectors, int dimension) {
        if (dimension < 1 || vectors.length == 0 || vectors.length % dimension != 0) {
            throw new IllegalArgumentException(
                    "%d numbers are no vectors of dimension %d".formatted(vectors.length, dimension));
        }
        this.vectors = vectors.clone();
        this.dimension = dimension;
        size = vectors.length / dimension;
        transposed = new float[vectors.length];
        halfSquaredNorm = new float[size];
        for (int k = 0; k < size; k++) {
            double norm = 0;
            for (int d = 0; d < dimension; d++) {
                float v = vectors[k * dimension + d];
                transposed[d * size + k] = v;
                norm += (double) v * v;
            }
            halfSquaredNorm[k] = (float) (norm / 2);
        }
    }

    public int size() {
        return size;
    }

    public int dimension() {
        return dimension;
    }

    /** A copy of all vectors, row-major [size, dimension]. */
    public float[] vectors() {
        return vectors.clone();
    }

    /** Copies vector {@code code} to {@code target} at {@code offset}. */
    public void copy(int code, float[] target, int offset) {
        System.arraycopy(vectors, code * dimension, target, offset, dimension);
    }

    /** Code of each of {@code count} vectors [count, dimension]. */
    public int[] nearest(float[] points, int count) {
        int[] codes = new int[count];
        float[][] scores = new float[POINTS][size];
        int i = 0;
        for (; i + POINTS <= count; i += POINTS) {
            scores(points, i * dimension, scores);
            for (int p = 0; p < POINTS; p++) {
                codes[i + p] = least(scores[p]);
            }
        }
        for (; i < count; i++) {
            codes[i] = nearest(points, i * dimension, scores[0]);
        }
        return codes;
    }

    /**
     * Code of the vector at {@code offset}; {@code scores} [size] is scratch and is left with |c|²/2 - x·c of every
     * code.
     */
    int nearest(float[] points, int offset, float[] scores) {
        scores(points, offset, scores, 0);
        return least(scores);
    }

    private int least(float[] scores) {
        int best = 0;
        for (int k = 1; k < size; k++) {
            if (scores[k] < scores[best]) {
                best = k;
            }
        }
        return best;
    }

    /**
     * Scores of {@value #POINTS} consecutive vectors at once: each code is loaded once for all, and every sum keeps its
     * order.
     */
    private void scores(float[] points, int offset, float[][] scores) {
        int vectorised = dimension % 4 == 0 ? LANES.loopBound(size) : 0;
        for (int k = 0; k < vectorised; k += LANES.length()) {
            var sum0 = FloatVector.fromArray(LANES, halfSquaredNorm, k);
            var sum1 = sum0;
            var sum2 = sum0;
            var sum3 = sum0;
            for (int d = 0; d < dimension; d += 4) {
                var c0 = FloatVector.fromArray(LANES, transposed, d * size + k);
                var c1 = FloatVector.fromArray(LANES, transposed, (d + 1) * size + k);
                var c2 = FloatVector.fromArray(LANES, transposed, (d + 2) * size + k);
                var c3 = FloatVector.fromArray(LANES, transposed, (d + 3) * size + k);
                int at = offset + d;
                sum0 = sum0.sub(product(points, at, c0, c1, c2, c3));
                sum1 = sum1.sub(product(points, at + dimension, c0, c1, c2, c3));
                sum2 = sum2.sub(product(points, at + 2 * dimension, c0, c1, c2, c3));
                sum3 = sum3.sub(product(points, at + 3 * dimension, c0, c1, c2, c3));
            }
            sum0.intoArray(scores[0], k);
            sum1.intoArray(scores[1], k);
            sum2.intoArray(scores[2], k);
            sum3.intoArray(scores[3], k);
        }
        for (int p = 0; p < POINTS; p++) {
            scores(points, offset + p * dimension, scores[p], vectorised);
        }
    }

    private static FloatVector product(
            float[] x, int at, FloatVector c0, FloatVector c1, FloatVector c2, FloatVector c3) {
        return c0.mul(x[at]).add(c1.mul(x[at + 1])).add(c2.mul(x[at + 2])).add(c3.mul(x[at + 3]));
    }

    /** Scores of the codes from {@code from} on. */
    private void scores(float[] points, int offset, float[] scores, int from) {
        System.arraycopy(halfSquaredNorm, from, scores, from, size - from);
        int d = 0;
        for (; d + 3 < dimension; d += 4) {
            float x0 = points[offset + d];
            float x1 = points[offset + d + 1];
            float x2 = points[offset + d + 2];
            float x3 = points[offset + d + 3];
            int row = d * size;
            for (int k = from; k < size; k++) {
                scores[k] -= x0 * transposed[row + k]
                        + x1 * transposed[row + size + k]
                        + x2 * transposed[row + 2 * size + k]
                        + x3 * transposed[row + 3 * size + k];
            }
        }
        for (; d < dimension; d++) {
            float x = points[offset + d];
            int row = d * size;
            for (int k = from; k < size; k++) {
                scores[k] -= x * transposed[row + k];
            }
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Codebook codebook
                && dimension == codebook.dimension
                && Arrays.equals(vectors, codebook.vectors);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(vectors);
    }
}
