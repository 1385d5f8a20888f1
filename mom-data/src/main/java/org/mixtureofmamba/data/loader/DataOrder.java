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
 * @param most how many documents are drawn of each part; {@link Long#MAX_VALUE}, of all of them, for training
 */
public record DataOrder(
        String corpus, List<Double> weights, List<Double> bounds, int batch, int length, long seed, List<Long> most) {
    public DataOrder {
        weights = List.copyOf(weights);
        bounds = List.copyOf(bounds);
        most = List.copyOf(most);
    }
}
