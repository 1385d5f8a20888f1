package org.mixtureofmamba.core.backend.cuda.op;

import java.util.HashMap;
import java.util.Map;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.kernel.Alignment;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** RMSNorm and its backward: rms_norm.cu. */
public final class Normalization {
    /** Accesses of 16 bytes by a warp for which a row stays in registers. */
    private static final int MOST_VECTORS = 8;

    private static final int BYTES_OF_WARP = 32 * 16;
    private static final int ANY_WIDTH = 0;

    private final Kernels kernels;
    private final Workspace workspace;
    private final Map<Integer, Compiled> byVectors = new HashMap<>();

    public Normalization(Kernels kernels, Workspace workspace) {
        this.kernels = kernels;
        this.workspace = workspace;
    }

    /** The kernels for one width. */
    private record Compiled(Kernel forward, Kernel backward, Kernel reduce) {
        static Compiled of(Kernels kernels, int vectors) {
            return vectors == ANY_WIDTH
                    ? of(kernels.module("rms_norm.cu"), "Any")
                    : of(kernels.module("rms_norm.cu", "-DMOM_VECTORS=" + vectors), "");
        }

        private static Compiled of(Kernels.Module module, String suffix) {
            return new Compiled(
                    module.kernel("rmsNormForward" + suffix),
                    module.kernel("rmsNormBackward" + suffix),
                    module.kernel("rmsNormReduce"));
        }
    }

    private Compiled compiled(Tensor... rows) {
        int bytes = rows[0].columns() * rows[0].dtype().byteSize();
        int vectors = bytes % BYTES_OF_WARP == 0 && bytes <= MOST_VECTORS * BYTES_OF_WARP && Alignment.ofRows(rows)
                ? bytes / BYTES_OF_WARP
                : ANY_WIDTH;
        return byVectors.computeIfAbsent(vectors, absent -> Compiled.of(kernels, absent));
    }

    public void forward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        int rows = Math.toIntExact(x.rows());
        var kernel = compiled(x, out).forward();
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

    public void backward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight, Write write) {
        int rows = Math.toIntExact(x.rows());
        var compiled = compiled(gradOut, x, gradX);
        var kernel = compiled.backward();
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
        compiled.reduce()
                .grid(compiled.reduce().blocks(x.columns()))
                .with(gradWeight)
                .with(partial)
                .with(blocks)
                .with(x.columns())
                .with(write == Write.ADD)
                .launch();
        workspace.release(mark);
    }
}
