package org.mixtureofmamba.data.loader;

import java.util.List;

/**
 * All that decides which tokens a run sees at which step. Two runs are a fair pair only if theirs are equal.
 *
 * @param corpus fingerprint of the corpus
 * @param weights of its parts
 * @param bounds on the share of each modality in a batch
 * @param batch sequences a step, over all workers
 * @param length tokens a sequence
 * @param seed of the shuffle
 * @param heldOut whether these are the held-out documents
 */
public record DataOrder(
        String corpus, List<Double> weights, List<Double> bounds, int batch, int length, long seed, boolean heldOut) {
    public DataOrder {
        weights = List.copyOf(weights);
        bounds = List.copyOf(bounds);
    }
}
