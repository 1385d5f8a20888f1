package org.mixtureofmamba.core.backend;

import java.util.List;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * What the selective scan reads.
 *
 * @param x [T, E]
 * @param dt [T, E], the step size before its bias and softplus
 * @param dtBias float32 [E] for each weight set of dt_proj: one, or M
 * @param logA float32 [E, N]: A = -exp(logA); {@code A_log} of the official modules
 * @param matB [T, N]
 * @param matC [T, N]
 * @param skipD float32 [E]
 * @param z [T, E], the gate before its SiLU
 */
public record ScanInputs(
        Tensor x, Tensor dt, List<Tensor> dtBias, Tensor logA, Tensor matB, Tensor matC, Tensor skipD, Tensor z) {}
