package org.mixtureofmamba.train;

import java.util.OptionalDouble;

/**
 * What a run has spent on its steps since it began. Held-out evaluation, checkpoints, start-up and interruptions are no
 * part of it.
 *
 * @param tokens positions of all batches
 * @param flops counted operations, see {@link org.mixtureofmamba.core.nn.OperationFlops}
 * @param wallSeconds on the clock
 * @param energyJoules where it was measured throughout
 */
public record Spent(long tokens, double flops, double wallSeconds, OptionalDouble energyJoules) {
    Spent plus(long moreTokens, double moreFlops, double moreSeconds, OptionalDouble moreJoules) {
        return new Spent(
                tokens + moreTokens,
                flops + moreFlops,
                wallSeconds + moreSeconds,
                energyJoules.isPresent() && moreJoules.isPresent()
                        ? OptionalDouble.of(energyJoules.getAsDouble() + moreJoules.getAsDouble())
                        : OptionalDouble.empty());
    }

    /** Before the first step. */
    static Spent nothing() {
        return new Spent(0, 0, 0, OptionalDouble.of(0));
    }
}
