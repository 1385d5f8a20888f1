package org.mixtureofmamba.eval.statistics;

import java.util.ArrayList;
import java.util.List;

/**
 * Fits the smooth course of a loss: cubic B-splines in the logarithm of the step, over all but the first
 * {@value #FIRST} of the run, with a penalty on their fourth differences (P-splines, Eilers and Marx 1996). Where the
 * data do not ask for more, the fit is the cubic that the penalty leaves free. How much they ask for is decided by
 * generalised cross-validation on means over a hundredth of the run, which noise from step to step does not correlate,
 * with each degree of freedom counted {@value #CAUTION} times so that noise is not taken for shape.
 *
 * <p>All that depends on the steps alone is computed once; {@link #fit} is a product of matrices.
 */
final class CurveFitter {
    /** What comes before this share of the run is warm-up and the fall from the start, which no later match needs. */
    static final double FIRST = 0.06;

    private static final double CAUTION = 6;

    private static final int BASES = 12;
    private static final int BINS = 100;
    private static final int PENALISED = 4;
    private static final double ROUNDING = 1e-12;
    /** The fewest measurements a fit is made of. */
    static final int FEWEST = 8;

    private final double end;
    private final double low;
    private final int first;
    private final double[] logs;
    private final int[] bins;
    private final double[] shares;
    private final double[] binWeights;
    private final double[][] bases;
    private final List<Smoother> smoothers = new ArrayList<>();

    private final double[][] normal = new double[BASES][BASES];
    private final double[][] gridBases;

    /** The fit of one penalty: coefficients = inverse · (bases' weighted sums of the bins' means). */
    private record Smoother(double[][] inverse, double degrees) {}

    CurveFitter(Series series) {
        end = series.end();
        int from = 0;
        while (from < series.size() - FEWEST && series.steps()[from] < FIRST * end) {
            from++;
        }
        first = from;
        int n = series.size() - first;
        if (n < FEWEST) {
            throw new IllegalArgumentException("%d measurements, fewer than %d".formatted(n, FEWEST));
        }
        logs = new double[n];
        for (int i = 0; i < n; i++) {
            logs[i] = Math.log(series.steps()[first + i] / end);
        }
        low = logs[0];
        int width = Math.max(1, n / BINS);
        int count = n / width;
        // The bins end with the run; what is left over before them joins the first.
        bins = new int[n];
        shares = new double[n];
        binWeights = new double[count];
        for (int i = 0; i < n; i++) {
            bins[i] = Math.max(0, count - 1 - (n - 1 - i) / width);
            binWeights[bins[i]] += series.weights()[first + i];
        }
        bases = new double[count][BASES];
        double total = 0;
        for (int i = 0; i < n; i++) {
            shares[i] = series.weights()[first + i] / binWeights[bins[i]];
            addBasis(logs[i], shares[i], bases[bins[i]]);
        }
        for (double weight : binWeights) {
            total += weight;
        }
        for (int i = 0; i < count; i++) {
            binWeights[i] *= count / total;
        }
        for (int k = 0; k < count; k++) {
            for (int i = 0; i < BASES; i++) {
                for (int j = 0; j < BASES; j++) {
                    normal[i][j] += binWeights[k] * bases[k][i] * bases[k][j];
                }
            }
        }
        for (double exponent = -2; exponent <= 8; exponent++) {
            addSmoother(Math.pow(10, exponent));
        }
        gridBases = new double[Surplus.GRID.length][BASES];
        for (int i = 0; i < gridBases.length; i++) {
            addBasis(Math.clamp(Surplus.GRID[i], low, 0), 1, gridBases[i]);
        }
    }

    /** The first measurement that is fitted. */
    int first() {
        return first;
    }

    /** The logarithm of its step over the run's end: the curve reaches from there to 0. */
    double low() {
        return low;
    }

    /** @param values of every step of the series, those before {@link #first} included */
    SmoothCurve fit(double[] values) {
        var means = new double[binWeights.length];
        for (int i = 0; i < bins.length; i++) {
            means[bins[i]] += shares[i] * values[first + i];
        }
        // The bases add up to 1: a level taken off the values is a level put back on the coefficients.
        double level = 0;
        for (int k = 0; k < means.length; k++) {
            level += binWeights[k] * means[k] / means.length;
        }
        double squares = 0;
        var sums = new double[BASES];
        for (int k = 0; k < means.length; k++) {
            double value = means[k] - level;
            squares += binWeights[k] * value * value;
            for (int i = 0; i < BASES; i++) {
                sums[i] += binWeights[k] * bases[k][i] * value;
            }
        }
        double best = Double.POSITIVE_INFINITY;
        double degrees = 0;
        double[] chosen = {};
        for (var smoother : smoothers) {
            double free = 1 - CAUTION * smoother.degrees() / means.length;
            var coefficients = product(smoother.inverse(), sums);
            double rest = squares - 2 * dot(coefficients, sums) + dot(coefficients, product(normal, coefficients));
            double score = free > 0 ? Math.max(rest, ROUNDING * squares) / (free * free) : Double.MAX_VALUE;
            // On a tie, which a curve without noise makes of many, the stiffer one.
            if (score <= best) {
                best = score;
                degrees = smoother.degrees();
                chosen = coefficients;
            }
        }
        for (int i = 0; i < BASES; i++) {
            chosen[i] += level;
        }
        return new SmoothCurve(this, chosen, degrees);
    }

    /** Along {@link Surplus#GRID}, constant outside of the fitted part. */
    double[] onGrid(double[] coefficients) {
        return product(gridBases, coefficients);
    }

    double at(double log, double[] coefficients) {
        var basis = new double[BASES];
        addBasis(Math.clamp(log, low, 0), 1, basis);
        return dot(basis, coefficients);
    }

    private void addSmoother(double penalty) {
        var matrix = new double[BASES][];
        for (int i = 0; i < BASES; i++) {
            matrix[i] = normal[i].clone();
        }
        double[] difference = {1, -4, 6, -4, 1};
        for (int row = 0; row + PENALISED < BASES; row++) {
            for (int i = 0; i <= PENALISED; i++) {
                for (int j = 0; j <= PENALISED; j++) {
                    matrix[row + i][row + j] += penalty * difference[i] * difference[j];
                }
            }
        }
        Cholesky.of(matrix).ifPresent(factor -> {
            var inverse = new double[BASES][BASES];
            double degrees = 0;
            for (int j = 0; j < BASES; j++) {
                var unit = new double[BASES];
                unit[j] = 1;
                var column = factor.solve(unit);
                for (int i = 0; i < BASES; i++) {
                    inverse[i][j] = column[i];
                    degrees += column[i] * normal[i][j];
                }
            }
            smoothers.add(new Smoother(inverse, degrees));
        });
    }

    /** The four cubic B-splines that are not 0 there, times a factor. */
    private void addBasis(double log, double factor, double[] into) {
        int intervals = BASES - 3;
        double place = (log - low) / -low * intervals;
        int i = Math.clamp((int) Math.floor(place), 0, intervals - 1);
        double u = place - i;
        double v = 1 - u;
        into[i] += factor * v * v * v / 6;
        into[i + 1] += factor * (3 * u * u * u - 6 * u * u + 4) / 6;
        into[i + 2] += factor * (-3 * u * u * u + 3 * u * u + 3 * u + 1) / 6;
        into[i + 3] += factor * u * u * u / 6;
    }

    private static double[] product(double[][] matrix, double[] vector) {
        var result = new double[matrix.length];
        for (int i = 0; i < matrix.length; i++) {
            result[i] = dot(matrix[i], vector);
        }
        return result;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /** @return the fitted values at every measurement from {@link #first} on */
    double[] values(double[] coefficients) {
        var values = new double[logs.length];
        for (int i = 0; i < logs.length; i++) {
            values[i] = at(logs[i], coefficients);
        }
        return values;
    }

    double end() {
        return end;
    }
}
