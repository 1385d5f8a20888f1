package org.mixtureofmamba.core.backend.cuda;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** RMSNorm and its backward: rms_norm.cu. */
final class Normalization {
    private final Workspace workspace;
    private final Kernel forward;
    private final Kernel forwardAny;
    private final Kernel backward;
    private final Kernel backwardAny;
    private final Kernel reduce;

    Normalization(Kernels kernels, Workspace workspace) {
        var module = kernels.module("rms_norm.cu");
        this.workspace = workspace;
        this.forward = module.kernel("rmsNormForward");
        this.forwardAny = module.kernel("rmsNormForwardAny");
        this.backward = module.kernel("rmsNormBackward");
        this.backwardAny = module.kernel("rmsNormBackwardAny");
        this.reduce = module.kernel("rmsNormReduce");
    }

    void forward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        int rows = Math.toIntExact(x.rows());
        var kernel = Alignment.ofRows(x, out) ? forward : forwardAny;
        kernel.grid(kernel.blocks(rows))
                .withRows(out)
                .with(inverseRms)
                .withRows(x)
                .with(weight)
                .with((float) epsilon)
                .with(rows)
                .with(x.columns())
                .launch();
    }

    void backward(Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight) {
        int rows = Math.toIntExact(x.rows());
        var kernel = Alignment.ofRows(gradOut, x, gradX) ? backward : backwardAny;
        int blocks = kernel.blocks(rows);
        var mark = workspace.mark();
        var partial = workspace.tensor(DType.FLOAT32, Math.max(1, blocks), x.columns());
        kernel.grid(blocks)
                .withRows(gradX)
                .with(partial)
                .withRows(gradOut)
                .withRows(x)
                .with(weight)
                .with(inverseRms)
                .with(rows)
                .with(x.columns())
                .launch();
        reduce.grid(reduce.blocks(x.columns()))
                .with(gradWeight)
                .with(partial)
                .with(blocks)
                .with(x.columns())
                .launch();
        workspace.release(mark);
    }
}
