package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.tensor.Tensor;

/** Root-mean-square normalisation of rows (Zhang &amp; Sennrich 2019). */
public interface NormOps {
    /**
     * out = x / sqrt(mean(x²) + epsilon) · weight.
     *
     * @param x [T, D]
     * @param weight [D]
     * @param out [T, D]
     * @param inverseRms [T], kept for backward
     */
    void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms);

    /**
     * The gradient of x is added, since the residual's is already there.
     *
     * @param gradX [T, D], accumulates
     * @param gradWeight [D], overwritten or added to as {@code write} says
     */
    void rmsNormBackward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight, Write write);
}
