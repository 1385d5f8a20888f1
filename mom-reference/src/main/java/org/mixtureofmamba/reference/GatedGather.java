package org.mixtureofmamba.reference;

import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.factory.Nd4j;

/** out[t] = residual[t] + gates[t] · y[rows[t]]. */
final class GatedGather {
    private GatedGather() {}

    static void forward(Tensor y, Tensor rows, Tensor gates, Tensor residual, Tensor out) {
        var gathered = Nd4j.pullRows(HostArrays.read(y), 1, HostArrays.readInts(rows));
        var gate = HostArrays.read(gates).reshape('c', gates.size(), 1);
        HostArrays.overwrite(out, gathered.muliColumnVector(gate).addi(HostArrays.read(residual)));
    }

    /** gradY[rows[t]] = gates[t] · gradOut[t], gradGates[t] = gradOut[t] · y[rows[t]]. */
    static void backward(Tensor gradOut, Tensor y, Tensor rows, Tensor gates, Tensor gradY, Tensor gradGates) {
        var rowOf = HostArrays.readInts(rows);
        var tokenOf = new int[rowOf.length];
        for (int t = 0; t < rowOf.length; t++) {
            tokenOf[rowOf[t]] = t;
        }
        var grad = HostArrays.read(gradOut);
        var gathered = Nd4j.pullRows(HostArrays.read(y), 1, rowOf);
        HostArrays.overwrite(gradGates, gathered.muli(grad).sum(1));
        var gate = HostArrays.read(gates).reshape('c', gates.size(), 1);
        HostArrays.overwrite(gradY, Nd4j.pullRows(grad.muliColumnVector(gate), 1, tokenOf));
    }
}
