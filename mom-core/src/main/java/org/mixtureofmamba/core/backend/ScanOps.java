package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The selective scan along a sequence (Gu &amp; Dao 2023, eq. 2) with softplus, skip and gate. It follows
 * {@code layout.rowOf} and starts anew where a document does. What it carries from token to token is its state h, [B,
 * N, E] in the accumulation type.
 */
public interface ScanOps {
    /**
     * dt = softplus(dt + dtBias); h[l] = exp(dt·A) h[l-1] + (dt·x) B; y = (h·C + D·x) · SiLU(z).
     *
     * @param carry the state before the first token and after the last
     * @param y [T, E], overwritten
     * @return what backward needs, taken from {@link Backend#workspace()}
     */
    Tensor selectiveScanForward(ScanInputs inputs, ModalityLayout layout, Carry carry, Tensor y);

    /**
     * The gradients of {@link ScanInputs}: those of activations are overwritten, those of parameters overwritten or
     * added to as {@code write} says.
     *
     * @param carry what forward was given; only what came before is read
     * @param y what forward wrote
     * @param states what forward returned
     * @param gradCarry of the carried state: {@code after} is read, {@code before} is overwritten
     */
    void selectiveScanBackward(
            Tensor gradY,
            ScanInputs inputs,
            ModalityLayout layout,
            Carry carry,
            Tensor y,
            Tensor states,
            ScanGradients gradients,
            Write write,
            Carry gradCarry);
}
