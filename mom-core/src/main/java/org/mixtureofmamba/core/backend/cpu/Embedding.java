package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Rows of a table by their number. Backward adds rows in the order of tokens, each worker some columns of all of them.
 */
final class Embedding {
    private static final int ROWS = 256;
    private static final int COLUMNS = 64;

    private final WorkerPool pool;

    Embedding(WorkerPool pool) {
        this.pool = pool;
    }

    /** out[t] = table[ids[t]]. */
    void forward(TokenIds tokenIds, Tensor tableTensor, Tensor outTensor) {
        var out = Rows.of(outTensor);
        var table = Rows.of(tableTensor, Math.toIntExact(tableTensor.rows()), out.columns());
        var ids = Ints.below(table.rows(), tokenIds.values(), out.rows());
        pool.run(Math.ceilDiv(ids.length, ROWS), (item, worker) -> {
            int end = Math.min(ids.length, (item + 1) * ROWS);
            for (int t = item * ROWS; t < end; t++) {
                Native.copy(table.row(ids[t]), out.row(t), out.columns());
            }
        });
    }

    /** gradTable[ids[t]] += gradOut[t]. */
    void backward(TokenIds tokenIds, Tensor gradOutTensor, Tensor gradTableTensor) {
        var gradOut = Rows.of(gradOutTensor);
        var gradTable = Rows.of(gradTableTensor, Math.toIntExact(gradTableTensor.rows()), gradOut.columns());
        var ids = Ints.below(gradTable.rows(), tokenIds.values(), gradOut.rows());
        pool.run(Math.ceilDiv(gradOut.columns(), COLUMNS), (item, worker) -> {
            int from = item * COLUMNS;
            int width = Math.min(COLUMNS, gradOut.columns() - from);
            for (int t = 0; t < ids.length; t++) {
                Native.add(gradOut.at(t, from), gradTable.at(ids[t], from), width);
            }
        });
    }
}
