package org.mixtureofmamba.reference;

import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.factory.Nd4j;

/** out[t] = table[ids[t]]. */
final class Embedding {
    private Embedding() {}

    static void forward(TokenIds ids, Tensor table, Tensor out) {
        HostArrays.overwrite(out, Nd4j.pullRows(HostArrays.read(table), 1, HostArrays.readInts(ids.values())));
    }

    /** gradTable[ids[t]] += gradOut[t], t ascending. */
    static void backward(TokenIds ids, Tensor gradOut, Tensor gradTable) {
        var rows = HostArrays.readInts(ids.values());
        var grad = HostArrays.read(gradOut);
        var table = HostArrays.read(gradTable);
        for (int t = 0; t < rows.length; t++) {
            table.getRow(rows[t]).addi(grad.getRow(t));
        }
        HostArrays.overwrite(gradTable, table);
    }
}
