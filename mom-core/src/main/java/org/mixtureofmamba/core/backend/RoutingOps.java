package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Rows that experts have computed in an order of their own, brought back to the order of the residual stream and
 * weighed by the router's gates (Fedus et al. 2021, eq. 2). T tokens, D columns.
 */
public interface RoutingOps {
    /**
     * out[t] = residual[t] + gates[t] · y[rows[t]].
     *
     * @param y [T, D]
     * @param rows int32 [T], a permutation of 0 .. T-1
     * @param gates [T], in the accumulation type
     * @param residual [T, D]
     * @param out [T, D], overwritten
     */
    void gatedGatherForward(Tensor y, Tensor rows, Tensor gates, Tensor residual, Tensor out);

    /**
     * gradY[rows[t]] = gates[t] · gradOut[t] and gradGates[t] = gradOut[t] · y[rows[t]]; the residual's gradient is
     * gradOut itself.
     *
     * @param gradY [T, D], overwritten
     * @param gradGates [T], in the accumulation type, overwritten
     */
    void gatedGatherBackward(Tensor gradOut, Tensor y, Tensor rows, Tensor gates, Tensor gradY, Tensor gradGates);
}
