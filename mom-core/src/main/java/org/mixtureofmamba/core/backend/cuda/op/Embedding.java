package org.mixtureofmamba.core.backend.cuda.op;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.memory.BatchRing.OrderedIds;
import org.mixtureofmamba.core.backend.cuda.memory.BatchRing.PlacedOrder;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.backend.cuda.memory.TokenOrder;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** The table of tokens: embedding.cu. */
public final class Embedding {
    private final DeviceMemory memory;
    private final Workspace workspace;
    private final Kernel forward;
    private final Kernel pieces;
    private final Kernel join;

    public Embedding(Kernels kernels, DeviceMemory memory, Workspace workspace) {
        var module = kernels.module("embedding.cu");
        this.memory = memory;
        this.workspace = workspace;
        this.forward = module.kernel("embeddingForward");
        this.pieces = module.kernel("embeddingBackwardPieces");
        this.join = module.kernel("embeddingBackwardJoin");
    }

    public void forward(TokenIds ids, Tensor table, Tensor out) {
        ids.checkBelow(table.rows());
        forward.grid(forward.blocks(out.rows()))
                .withRows(out)
                .withRows(table)
                .with(ids.values())
                .with(out.columns())
                .launch();
    }

    public void backward(TokenIds ids, Tensor gradOut, Tensor gradTable) {
        ids.checkBelow(gradTable.rows());
        var mark = workspace.mark();
        var order = ids instanceof OrderedIds ordered ? ordered.order() : sort(ids.values());
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
