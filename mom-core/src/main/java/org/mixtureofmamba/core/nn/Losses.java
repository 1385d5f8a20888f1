package org.mixtureofmamba.core.nn;

import java.util.List;
import java.util.OptionalDouble;

import org.mixtureofmamba.core.modality.ModalityCounts;

/**
 * Cross-entropies summed over the tokens of one or more batches, in nats, by the modality of the target.
 *
 * @param sums [M]
 * @param counts the tokens of each sum
 */
public record Losses(List<Double> sums, ModalityCounts counts) {
    public Losses {
        sums = List.copyOf(sums);
    }

    /** The mean over all tokens; NaN if there are none. */
    public double mean() {
        return sums.stream().mapToDouble(Double::doubleValue).sum() / counts.total();
    }

    /** The mean over the tokens of one modality; empty if there are none. */
    public OptionalDouble mean(int modality) {
        return counts.of(modality) == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(sums.get(modality) / counts.of(modality));
    }
}
