package org.mixtureofmamba.core.modality;

import java.lang.foreign.ValueLayout;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * A batch of tokens in modality order, with what each is to predict.
 *
 * @param inputs [T]
 * @param targets [T], the id that follows; any where there is no loss
 * @param targetModality int32 [T], the modality of the target, to which the token's loss belongs; -1 where there is no
 *     loss
 * @param lossTokens how many targets carry a loss, by modality of the target [M]
 */
public record TokenBatch(
        ModalityLayout layout, TokenIds inputs, TokenIds targets, Tensor targetModality, ModalityCounts lossTokens) {

    /**
     * Sorts a batch given in sequence order, each array [B·L].
     *
     * @param targetModality -1 where there is no loss
     * @throws IllegalArgumentException if a token has no modality, or a target one that is none of these
     */
    public static TokenBatch of(
            int batch,
            int length,
            int modalities,
            int[] inputs,
            int[] targets,
            byte[] inputModality,
            byte[] targetModality,
            boolean[] documentStart) {
        var layout = ModalityLayout.of(batch, length, modalities, inputModality, documentStart);
        int tokens = layout.tokens();
        if (inputs.length != tokens || targets.length != tokens || targetModality.length != tokens) {
            throw new IllegalArgumentException("arrays of a batch differ in length");
        }
        int[] rowOf = layout.rowOf().segment().toArray(ValueLayout.JAVA_INT);
        var sortedInputs = new int[tokens];
        var sortedTargets = new int[tokens];
        var sortedModality = new int[tokens];
        var counts = new long[modalities];
        for (int t = 0; t < tokens; t++) {
            if (targetModality[t] >= modalities) {
                throw new IllegalArgumentException(
                        "the target of token %d has modality %d of %d".formatted(t, targetModality[t], modalities));
            }
            int row = rowOf[t];
            sortedInputs[row] = inputs[t];
            sortedTargets[row] = targetModality[t] < 0 ? 0 : targets[t];
            sortedModality[row] = targetModality[t];
            if (targetModality[t] >= 0) {
                counts[targetModality[t]]++;
            }
        }
        return new TokenBatch(
                layout,
                TokenIds.of(sortedInputs),
                TokenIds.of(sortedTargets),
                Tensor.ofInts(sortedModality),
                new ModalityCounts(counts));
    }

    /** The same tokens with other resets of state. */
    public TokenBatch with(ModalityLayout other) {
        return new TokenBatch(other, inputs, targets, targetModality, lossTokens);
    }
}
