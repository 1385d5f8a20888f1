package org.mixtureofmamba.core.modality;

import java.util.Arrays;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The order in which the T = B·L tokens of a batch lie in memory: sorted by modality, stably, so that each modality is
 * one slab of contiguous rows. Operations along the sequence find token (b, l) in row {@code rowOf[b, l]}.
 *
 * @param batch B
 * @param length L
 * @param slabs the rows of each modality; a slab may be empty
 * @param rowOf int32 [B, L], a permutation of 0 .. T-1
 * @param documentStart int32 [B, L]: 1 where the state of convolution and scan is reset before the token, 0 elsewhere.
 *     At l = 0 it matters only to a sequence that goes on with what came before it.
 */
public record ModalityLayout(int batch, int length, Slabs slabs, Tensor rowOf, Tensor documentStart) {
    /**
     * Sorts a batch.
     *
     * @param modality [B·L] in sequence order, each in 0 .. modalities-1
     * @param documentStart [B·L] in sequence order
     * @throws IllegalArgumentException if a token has no modality
     */
    public static ModalityLayout of(int batch, int length, int modalities, byte[] modality, boolean[] documentStart) {
        int tokens = Math.multiplyExact(batch, length);
        if (modality.length != tokens || documentStart.length != tokens) {
            throw new IllegalArgumentException("%d modalities and %d document starts for %d tokens"
                    .formatted(modality.length, documentStart.length, tokens));
        }
        var slabStart = new int[modalities + 1];
        for (int t = 0; t < tokens; t++) {
            if (modality[t] < 0 || modality[t] >= modalities) {
                throw new IllegalArgumentException(
                        "token %d has modality %d of %d".formatted(t, modality[t], modalities));
            }
            slabStart[modality[t] + 1]++;
        }
        Arrays.parallelPrefix(slabStart, Integer::sum);
        var next = slabStart.clone();
        var rowOf = new int[tokens];
        var starts = new int[tokens];
        for (int t = 0; t < tokens; t++) {
            rowOf[t] = next[modality[t]]++;
            starts[t] = documentStart[t] ? 1 : 0;
        }
        return new ModalityLayout(
                batch,
                length,
                new Slabs(slabStart),
                Tensor.ofInts(rowOf).reshape(batch, length),
                Tensor.ofInts(starts).reshape(batch, length));
    }

    /** The same order with state carried across documents. */
    public ModalityLayout withoutDocumentStarts() {
        var starts = Tensor.ofInts(new int[tokens()]).reshape(batch, length);
        return new ModalityLayout(batch, length, slabs, rowOf, starts);
    }

    /** T = B·L. */
    public int tokens() {
        return batch * length;
    }

    /** M. */
    public int modalities() {
        return slabs.count();
    }

    /**
     * The slabs for a projection of so many weight sets: one slab a modality, or all rows in one where the weights are
     * shared.
     */
    public Slabs slabsFor(int weightSets) {
        if (weightSets == 1) {
            return new Slabs(0, tokens());
        }
        if (weightSets != modalities()) {
            throw new IllegalArgumentException("%d weight sets for %d modalities".formatted(weightSets, modalities()));
        }
        return slabs;
    }
}
