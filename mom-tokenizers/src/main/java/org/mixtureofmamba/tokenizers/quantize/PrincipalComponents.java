package org.mixtureofmamba.tokenizers.quantize;

import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * The directions of greatest variance (Pearson 1901), by orthogonal iteration on the covariance with a fixed start, the
 * sign of each made such that its largest entry is positive.
 *
 * @param mean of the points [window]
 * @param directions orthonormal rows [dimension, window], by falling variance
 */
public record PrincipalComponents(float[] mean, float[] directions) {
    private static final int ITERATIONS = 60;

    /** Components of points [n, window], row-major. */
    public static PrincipalComponents of(float[] points, int window, int dimension) {
        double[] mean = new double[window];
        int n = points.length / window;
        for (int i = 0; i < n * window; i++) {
            mean[i % window] += points[i];
        }
        for (int k = 0; k < window; k++) {
            mean[k] /= n;
        }
        double[][] covariance = covariance(points, mean, n);
        double[][] basis = new double[dimension][window];
        var random = new SplittableRandom(0);
        for (double[] direction : basis) {
            for (int k = 0; k < window; k++) {
                direction[k] = random.nextDouble() - 0.5;
            }
        }
        orthonormalize(basis);
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            double[][] next = new double[dimension][];
            double[][] current = basis;
            IntStream.range(0, dimension).parallel().forEach(d -> next[d] = multiply(covariance, current[d]));
            basis = next;
            orthonormalize(basis);
        }
        float[] directions = new float[dimension * window];
        for (int d = 0; d < dimension; d++) {
            double largest = 0;
            for (double v : basis[d]) {
                largest = Math.abs(v) > Math.abs(largest) ? v : largest;
            }
            for (int k = 0; k < window; k++) {
                directions[d * window + k] = (float) (largest < 0 ? -basis[d][k] : basis[d][k]);
            }
        }
        float[] floatMean = new float[window];
        for (int k = 0; k < window; k++) {
            floatMean[k] = (float) mean[k];
        }
        return new PrincipalComponents(floatMean, directions);
    }

    private static double[][] covariance(float[] points, double[] mean, int n) {
        int window = mean.length;
        float[] centred = new float[n * window];
        // feature-major, so that each entry is one pass over two rows
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < window; k++) {
                centred[k * n + i] = (float) (points[i * window + k] - mean[k]);
            }
        }
        double[][] covariance = new double[window][window];
        IntStream.range(0, window).parallel().forEach(a -> {
            for (int b = 0; b <= a; b++) {
                double sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += centred[a * n + i] * centred[b * n + i];
                }
                covariance[a][b] = sum / n;
            }
        });
        for (int a = 0; a < window; a++) {
            for (int b = a + 1; b < window; b++) {
                covariance[a][b] = covariance[b][a];
            }
        }
        return covariance;
    }

    private static double[] multiply(double[][] matrix, double[] vector) {
        double[] out = new double[vector.length];
        for (int k = 0; k < vector.length; k++) {
            double sum = 0;
            for (int j = 0; j < vector.length; j++) {
                sum += matrix[k][j] * vector[j];
            }
            out[k] = sum;
        }
        return out;
    }

    /** Gram-Schmidt, twice over for accuracy; a direction that vanishes becomes zero. */
    private static void orthonormalize(double[][] basis) {
        for (int d = 0; d < basis.length; d++) {
            for (int pass = 0; pass < 2; pass++) {
                for (int e = 0; e < d; e++) {
                    double dot = dot(basis[d], basis[e]);
                    for (int k = 0; k < basis[d].length; k++) {
                        basis[d][k] -= dot * basis[e][k];
                    }
                }
            }
            double norm = Math.sqrt(dot(basis[d], basis[d]));
            for (int k = 0; k < basis[d].length; k++) {
                basis[d][k] = norm > 1e-30 ? basis[d][k] / norm : 0;
            }
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int k = 0; k < a.length; k++) {
            sum += a[k] * b[k];
        }
        return sum;
    }
}
