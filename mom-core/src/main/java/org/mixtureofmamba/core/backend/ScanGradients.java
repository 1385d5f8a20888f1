package org.mixtureofmamba.core.backend;

import java.util.List;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * What the backward of the selective scan writes: the gradients of {@link ScanInputs}, shaped as those. Gradients of
 * activations (x, dt, matB, matC, z) are overwritten; those of parameters (dtBias, logA, skipD) overwritten or added
 * to, as the call says.
 */
public record ScanGradients(
        Tensor x, Tensor dt, List<Tensor> dtBias, Tensor logA, Tensor matB, Tensor matC, Tensor skipD, Tensor z) {}
