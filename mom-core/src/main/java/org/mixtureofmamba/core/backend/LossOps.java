package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.Tensor;

/** The head and its cross-entropy, without keeping the logits: T tokens, V words, M modalities. */
public interface LossOps {
    /**
     * Logits = x · headᵀ; lossSums[m] += Σ over the tokens whose target is of modality m, in nats.
     *
     * @param x [T, D]
     * @param head [V, D]
     * @param targets the id that each token is to predict; any where there is no loss
     * @param targetModality int32 [T], -1 for no loss
     * @param lossSums float64 [M]
     */
    void crossEntropyForward(Tensor x, Tensor head, TokenIds targets, Tensor targetModality, Tensor lossSums);

    /**
     * The same and at once its backward, since logits are not kept: the gradients of {@code scale · Σ loss}.
     *
     * @param gradX [T, D], overwritten
     * @param gradHead [V, D], overwritten or added to as {@code write} says
     */
    void crossEntropyForwardBackward(
            Tensor x,
            Tensor head,
            TokenIds targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead,
            Write write);
}
