package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The causal depthwise convolution along a sequence with its SiLU. It follows {@code layout.rowOf} and starts anew
 * where a document does. What it carries from token to token are its K-1 last inputs, [B, K-1, E] in the type of
 * activations, the oldest first; inputs before a document's start count as zeros.
 */
public interface ConvOps {
    /**
     * out = SiLU(bias + Σ_k weight[·, k] · x[l - (K-1) + k]).
     *
     * @param x [T, E]
     * @param weight [E, K], in the accumulation type
     * @param bias [E]
     * @param carry the inputs before the first token and after the last
     * @param out [T, E]
     */
    void causalConvForward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Carry carry, Tensor out);

    /**
     * The gradients of x (overwritten), weight and bias (overwritten or added to).
     *
     * @param carry what forward was given; only what came before is read
     * @param gradCarry of the carried inputs: {@code after} is read, {@code before} is overwritten
     */
    void causalConvBackward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Carry carry,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias,
            Write write,
            Carry gradCarry);
}
