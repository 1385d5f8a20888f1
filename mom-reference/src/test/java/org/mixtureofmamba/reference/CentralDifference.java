package org.mixtureofmamba.reference;

import java.util.function.DoubleSupplier;

import org.mixtureofmamba.core.parity.RelativeError;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

/** Gradients by the five-point difference (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h, whose error falls with h⁴. */
public final class CentralDifference {
    private static final double STEP = 1e-3;
    /**
     * Truncation (h⁴ = 1e-12) and cancellation (1e-16 / h) both lie under 1e-11; the rest is room for steep functions.
     */
    private static final double TOLERANCE = 1e-8;

    private CentralDifference() {}

    /**
     * The gradient of {@code loss} with respect to {@code input}, a float64 host tensor that loss reads; left as it
     * was.
     */
    public static double[] gradient(Tensor input, DoubleSupplier loss) {
        var gradient = new double[Math.toIntExact(input.size())];
        for (int i = 0; i < gradient.length; i++) {
            long row = i / input.columns();
            long column = i % input.columns();
            double value = input.get(row, column);
            double sum = 0;
            for (int step : new int[] {-2, -1, 1, 2}) {
                input.set(row, column, value + step * STEP);
                sum += (Math.abs(step) == 2 ? -1 : 8) * Integer.signum(step) * loss.getAsDouble();
            }
            input.set(row, column, value);
            gradient[i] = sum / (12 * STEP);
        }
        return gradient;
    }

    /** Fails unless {@code analytic} is the gradient of {@code loss} with respect to {@code input}. */
    public static void assertGradient(String name, Tensor input, Tensor analytic, DoubleSupplier loss) {
        assertGradient(name, input, analytic.toDoubles(), loss);
    }

    /** The same with the gradient as numbers. */
    public static void assertGradient(String name, Tensor input, double[] analytic, DoubleSupplier loss) {
        var error = RelativeError.of(name, withoutNoise(gradient(input, loss)), analytic);
        assertThat(error.within(TOLERANCE)).as(error.describe()).isTrue();
    }

    /** A gradient that is zero comes out of differences as rounding noise. */
    private static double[] withoutNoise(double[] gradient) {
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] = Math.abs(gradient[i]) < 1e-11 ? 0 : gradient[i];
        }
        return gradient;
    }
}
