package org.mixtureofmamba.core.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.cuda.BatchRing.PlacedOrder;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** The table of tokens: embedding.cu. */
final class Embedding {
    private final DeviceMemory memory;
    private final Workspace workspace;
    private final BatchRing batches;
    private final Kernel forward;
    private final Kernel pieces;
    private final Kernel join;

    Embedding(Kernels kernels, DeviceMemory memory, Workspace workspace, BatchRing batches) {
        var module = kernels.module("embedding.cu");
        this.memory = memory;
        this.workspace = workspace;
        this.batches = batches;
        this.forward = module.kernel("embeddingForward");
        this.pieces = module.kernel("embeddingBackwardPieces");
        this.join = module.kernel("embeddingBackwardJoin");
    }

    void forward(Tensor ids, Tensor table, Tensor out) {
        forward.grid(forward.blocks(out.rows()))
                .withRows(out)
                .withRows(table)
                .with(ids)
                .with(out.columns())
                .launch();
    }

    void backward(Tensor ids, Tensor gradOut, Tensor gradTable) {
        var mark = workspace.mark();
        var order = batches.orderOf(ids).orElseGet(() -> sort(ids));
        int columns = gradOut.columns();
        var partial = workspace.tensor(DType.FLOAT32, Math.max(1, order.partials()), columns);
        pieces.grid(order.pieceId().columns())
                .with(gradTable)
                .with(partial)
                .withRows(gradOut)
                .with(order.order())
                .with(order.pieceStart())
                .with(order.pieceId())
                .with(order.piecePartial())
                .with(columns)
                .launch();
        join.grid(order.joinId().columns())
                .with(gradTable)
                .with(partial)
                .with(order.joinStart())
                .with(order.joinId())
                .with(columns)
                .launch();
        workspace.release(mark);
    }

    /** For ids that were not placed as part of a batch: waits for them. */
    private PlacedOrder sort(Tensor ids) {
        try (var arena = Arena.ofConfined()) {
            var onHost = Tensor.onHost(arena, DType.INT32, ids.shape().toArray());
            memory.copy(ids, onHost);
            var sorted = TokenOrder.of(
                    onHost.segment().asSlice(0, ids.size() * Integer.BYTES).toArray(ValueLayout.JAVA_INT));
            return new PlacedOrder(
                    upload(sorted.order()),
                    upload(sorted.pieceStart()),
                    upload(sorted.pieceId()),
                    upload(sorted.piecePartial()),
                    upload(sorted.joinStart()),
                    upload(sorted.joinId()),
                    sorted.partials());
        }
    }

    private Tensor upload(int[] values) {
        var tensor = workspace.tensor(DType.INT32, values.length);
        memory.copy(Tensor.ofInts(values), tensor);
        return tensor;
    }
}
