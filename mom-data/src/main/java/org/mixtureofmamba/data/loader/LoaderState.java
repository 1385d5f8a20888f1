package org.mixtureofmamba.data.loader;

import java.util.List;

/**
 * Where a loader stands before a step: a few numbers that a checkpoint keeps, the same for every worker.
 *
 * @param step the step to come
 * @param documents drawn so far from each part
 * @param tokens packed so far from each part
 * @param carried documents that were drawn and are not yet packed whole, in order
 */
public record LoaderState(long step, List<Long> documents, List<Long> tokens, List<Carried> carried) {
    public LoaderState {
        documents = List.copyOf(documents);
        tokens = List.copyOf(tokens);
        carried = List.copyOf(carried);
    }

    /**
     * A document of which the tokens from {@code from} on are still to come.
     *
     * @param part index of its part
     * @param document its number within the part
     */
    public record Carried(int part, long document, int from) {}
}
