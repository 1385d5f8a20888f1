package org.mixtureofmamba.core.backend.cuda.op;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.op.MatrixProducts.Use;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Head and loss by chunks of rows, so that only one chunk's logits exist at a time: cross_entropy.cu between matrix
 * products.
 */
public final class CrossEntropy {
    /**
     * Of a chunk's logits: large enough that the head's gradient, read and written once a chunk, costs little beside
     * its product.
     */
    private static final long CHUNK_BYTES = 512L << 20;

    private static final int ROWS_MULTIPLE = 256;
    /** Elements to which rows of logits are padded, so that each starts at a multiple of 16 bytes. */
    private static final int ROW_ALIGNMENT = 8;

    private final MatrixProducts products;
    private final Workspace workspace;
    private final Kernel forward;
    private final Kernel backward;
    private final Kernel sum;

    public CrossEntropy(Kernels kernels, MatrixProducts products, Workspace workspace) {
        var module = kernels.module("cross_entropy.cu");
        this.products = products;
        this.workspace = workspace;
        this.forward = module.kernel("crossEntropyForward");
        this.backward = module.kernel("crossEntropyBackward");
        this.sum = module.kernel("crossEntropySum");
    }

    public void forward(Tensor x, Tensor head, TokenIds targets, Tensor targetModality, Tensor lossSums) {
        targets.checkBelow(head.rows());
        var mark = workspace.mark();
        var loss = workspace.tensor(DType.FLOAT32, x.rows());
        long chunk = rowsOfChunk(x.rows(), head.rows(), x.dtype());
        var logits = logits(x.dtype(), chunk, head.rows());
        for (long from = 0; from < x.rows(); from += chunk) {
            long to = Math.min(from + chunk, x.rows());
            var part = logits.rows(0, to - from);
            products.multiply(x.rows(from, to), Use.PLAIN, head, Use.TRANSPOSED, part);
            forward.grid(Math.toIntExact(to - from))
                    .with(part(loss, from, to))
                    .withRows(part)
                    .with(part(targets.values(), from, to))
                    .with(part(targetModality, from, to))
                    .with(part.columns())
                    .launch();
        }
        addUp(loss, targetModality, lossSums);
        workspace.release(mark);
    }

    public void forwardBackward(
            Tensor x,
            Tensor head,
            TokenIds targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead,
            Write write) {
        targets.checkBelow(head.rows());
        var mark = workspace.mark();
        var loss = workspace.tensor(DType.FLOAT32, x.rows());
        long chunk = rowsOfChunk(x.rows(), head.rows(), x.dtype());
        var logits = logits(x.dtype(), chunk, head.rows());
        for (long from = 0; from < x.rows(); from += chunk) {
            long to = Math.min(from + chunk, x.rows());
            var rows = x.rows(from, to);
            var part = logits.rows(0, to - from);
            products.multiply(rows, Use.PLAIN, head, Use.TRANSPOSED, part);
            backward.grid(Math.toIntExact(to - from))
                    .with(part(loss, from, to))
                    .withRows(part)
                    .with(part(targets.values(), from, to))
                    .with(part(targetModality, from, to))
                    .with(part.columns())
                    .with((float) scale)
                    .launch();
            products.multiply(part, Use.PLAIN, head, Use.PLAIN, gradX.rows(from, to));
            products.multiply(part, Use.TRANSPOSED, rows, Use.PLAIN, gradHead, from == 0 ? write : Write.ADD);
        }
        addUp(loss, targetModality, lossSums);
        workspace.release(mark);
    }

    private void addUp(Tensor loss, Tensor targetModality, Tensor lossSums) {
        sum.grid(lossSums.columns())
                .with(lossSums)
                .with(loss)
                .with(targetModality)
                .with(loss.columns())
                .launch();
    }

    public static long rowsOfChunk(long rows, long vocabulary, DType dtype) {
        long fitting = CHUNK_BYTES / (padded(vocabulary) * dtype.byteSize()) / ROWS_MULTIPLE * ROWS_MULTIPLE;
        return Math.min(rows, Math.max(ROWS_MULTIPLE, fitting));
    }

    private static long padded(long vocabulary) {
        return (vocabulary + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
    }

    private Tensor logits(DType dtype, long rows, long vocabulary) {
        return workspace.tensor(dtype, rows, padded(vocabulary)).columns(0, Math.toIntExact(vocabulary));
    }

    /** Elements {@code from} to {@code to} of a vector. */
    private static Tensor part(Tensor vector, long from, long to) {
        return vector.columns(Math.toIntExact(from), Math.toIntExact(to));
    }
}
