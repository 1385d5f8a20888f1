package org.mixtureofmamba.core.backend.cuda.op;

import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.tensor.Tensor;

/** Rows of experts brought back and weighed: gated_gather.cu. */
public final class GatedGather {
    private final Kernel forward;
    private final Kernel backward;

    public GatedGather(Kernels kernels) {
        var module = kernels.module("gated_gather.cu");
        this.forward = module.kernel("gatedGatherForward");
        this.backward = module.kernel("gatedGatherBackward");
    }

    public void forward(Tensor y, Tensor rows, Tensor gates, Tensor residual, Tensor out) {
        int tokens = Math.toIntExact(y.rows());
        forward.grid(forward.blocks(tokens))
                .withRows(out)
                .withRows(y)
                .with(rows)
                .with(gates)
                .withRows(residual)
                .with(tokens)
                .with(y.columns())
                .launch();
    }

    public void backward(Tensor gradOut, Tensor y, Tensor rows, Tensor gates, Tensor gradY, Tensor gradGates) {
        int tokens = Math.toIntExact(y.rows());
        backward.grid(backward.blocks(tokens))
                .withRows(gradY)
                .with(gradGates)
                .withRows(gradOut)
                .withRows(y)
                .with(rows)
                .with(gates)
                .with(tokens)
                .with(y.columns())
                .launch();
    }
}
