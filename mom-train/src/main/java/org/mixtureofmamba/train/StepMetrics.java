package org.mixtureofmamba.train;

import java.util.OptionalDouble;

import org.mixtureofmamba.core.nn.Losses;

/**
 * What one optimizer step did, and what the run has spent by its end, earlier parts of a resumed run included.
 *
 * @param step counted from 1
 * @param total what the run has spent
 * @param losses of the step's batches, before its update
 * @param gradNorm of the gradient before clipping; where it is not finite the step left weights and moments as they
 *     were
 * @param seconds of this step
 * @param mfu share of the device's matrix-product peak, where that is known
 */
public record StepMetrics(
        long step,
        Spent total,
        Losses losses,
        double learningRate,
        double gradNorm,
        double seconds,
        double tokensPerSecond,
        OptionalDouble mfu) {

    /** Whether the update was left out because the gradient was no number. */
    public boolean skipped() {
        return !Double.isFinite(gradNorm);
    }
}
