package org.mixtureofmamba.eval.statistics;

import java.util.Optional;

/**
 * A symmetric positive definite matrix as L · Lᵀ.
 *
 * @param factor L
 */
record Cholesky(double[][] factor) {
    /** Empty if the matrix is not positive definite. */
    static Optional<Cholesky> of(double[][] matrix) {
        int n = matrix.length;
        var factor = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                double rest = matrix[i][j];
                for (int k = 0; k < j; k++) {
                    rest -= factor[i][k] * factor[j][k];
                }
                if (i == j) {
                    if (rest <= 1e-14 * matrix[i][i]) {
                        return Optional.empty();
                    }
                    factor[i][i] = Math.sqrt(rest);
                } else {
                    factor[i][j] = rest / factor[j][j];
                }
            }
        }
        return Optional.of(new Cholesky(factor));
    }

    double[] solve(double[] right) {
        int n = factor.length;
        var x = right.clone();
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < i; k++) {
                x[i] -= factor[i][k] * x[k];
            }
            x[i] /= factor[i][i];
        }
        for (int i = n - 1; i >= 0; i--) {
            for (int k = i + 1; k < n; k++) {
                x[i] -= factor[k][i] * x[k];
            }
            x[i] /= factor[i][i];
        }
        return x;
    }
}
