package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/** Two places for batches, used in turn. */
final class BatchRing implements AutoCloseable {
    private final Memory memory;
    private final Storage[] places = new Storage[2];
    private int turn;

    BatchRing(Memory memory) {
        this.memory = memory;
    }

    /** A copy that lives until the call after the next. */
    TokenBatch place(TokenBatch batch) {
        turn = 1 - turn;
        var layout = batch.layout();
        int tokens = layout.tokens();
        long bytes = Math.max(1, 5L * tokens) * Integer.BYTES;
        if (places[turn] != null && places[turn].byteSize() < bytes) {
            memory.free(places[turn]);
            places[turn] = null;
        }
        if (places[turn] == null) {
            places[turn] = memory.allocate(bytes, "a batch");
        }
        var placed = new ModalityLayout(
                layout.batch(),
                layout.length(),
                layout.slabs(),
                copy(layout.rowOf(), 0),
                copy(layout.documentStart(), 1));
        return new TokenBatch(
                placed,
                new TokenIds.Placed(
                        copy(batch.inputs().values(), 2), batch.inputs().bound()),
                new TokenIds.Placed(
                        copy(batch.targets().values(), 3), batch.targets().bound()),
                copy(batch.targetModality(), 4),
                batch.lossTokens());
    }

    private Tensor copy(Tensor from, int index) {
        var to = new Tensor(DType.INT32, from.shape(), places[turn], index * from.size(), from.columns());
        memory.copy(from, to);
        return to;
    }

    @Override
    public void close() {
        for (int i = 0; i < places.length; i++) {
            if (places[i] != null) {
                memory.free(places[i]);
                places[i] = null;
            }
        }
    }
}
