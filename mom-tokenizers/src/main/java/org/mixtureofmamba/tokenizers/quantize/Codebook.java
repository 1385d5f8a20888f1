package org.mixtureofmamba.tokenizers.quantize;

import java.util.Arrays;

/** Vectors [size, dimension] and the search for the nearest of them in squared Euclidean distance; ties go to the lower code. */
public final class Codebook {
    private final int size;
    private final int dimension;
    private final float[] vectors;
    /** [dimension, size], so that the inner loop of the search runs over codes and vectorises. */
    private final float[] transposed;
    private final float[] halfSquaredNorm;

    /** @param vectors row-major [size, dimension], copied */
    public Codebook(float[] vectors, int dimension) {
        if (dimension < 1 || vectors.length == 0 || vectors.length % dimension != 0) {
            throw new IllegalArgumentException("%d numbers are no vectors of dimension %d".formatted(vectors.length, dimension));
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
        float[] scores = new float[size];
        for (int i = 0; i < count; i++) {
            codes[i] = nearest(points, i * dimension, scores);
        }
        return codes;
    }

    /** Code of the vector at {@code offset}; {@code scores} [size] is scratch and is left with |c|²/2 - x·c of every code. */
    int nearest(float[] points, int offset, float[] scores) {
        scores(points, offset, scores);
        int best = 0;
        for (int k = 1; k < size; k++) {
            if (scores[k] < scores[best]) {
                best = k;
            }
        }
        return best;
    }

    private void scores(float[] points, int offset, float[] scores) {
        System.arraycopy(halfSquaredNorm, 0, scores, 0, size);
        int d = 0;
        for (; d + 3 < dimension; d += 4) {
            float x0 = points[offset + d];
            float x1 = points[offset + d + 1];
            float x2 = points[offset + d + 2];
            float x3 = points[offset + d + 3];
            int row = d * size;
            for (int k = 0; k < size; k++) {
                scores[k] -= x0 * transposed[row + k] + x1 * transposed[row + size + k] + x2 * transposed[row + 2 * size + k]
                        + x3 * transposed[row + 3 * size + k];
            }
        }
        for (; d < dimension; d++) {
            float x = points[offset + d];
            int row = d * size;
            for (int k = 0; k < size; k++) {
                scores[k] -= x * transposed[row + k];
            }
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Codebook codebook && dimension == codebook.dimension && Arrays.equals(vectors, codebook.vectors);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(vectors);
    }
}
