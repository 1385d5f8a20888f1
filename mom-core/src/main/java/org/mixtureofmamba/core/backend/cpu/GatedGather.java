package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.tensor.Tensor;

import static org.mixtureofmamba.core.backend.cpu.Native.get;
import static org.mixtureofmamba.core.backend.cpu.Native.set;

/**
 * out[t] = residual[t] + gates[t] · y[rows[t]]. Backward: gradY[rows[t]] = gates[t] · gradOut[t], gradGates[t] =
 * gradOut[t] · y[rows[t]].
 */
final class GatedGather {
    private static final int ROWS = 256;

    private final WorkerPool pool;

    GatedGather(WorkerPool pool) {
        this.pool = pool;
    }

    void forward(Tensor yTensor, Tensor rowsTensor, Tensor gatesTensor, Tensor residualTensor, Tensor outTensor) {
        var y = Rows.of(yTensor);
        int width = y.columns();
        var residual = Rows.of(residualTensor, y.rows(), width);
        var out = Rows.of(outTensor, y.rows(), width);
        var gates = Rows.flat(gatesTensor, y.rows());
        var rows = Ints.below(y.rows(), rowsTensor, y.rows());
        pool.run(Math.ceilDiv(rows.length, ROWS), (item, worker) -> {
            int end = Math.min(rows.length, (item + 1) * ROWS);
            for (int t = item * ROWS; t < end; t++) {
                float gate = get(gates.at(0, t));
                for (int d = 0; d < width; d++) {
                    set(out.at(t, d), get(residual.at(t, d)) + gate * get(y.at(rows[t], d)));
                }
            }
        });
    }

    void backward(
            Tensor gradOutTensor,
            Tensor yTensor,
            Tensor rowsTensor,
            Tensor gatesTensor,
            Tensor gradYTensor,
            Tensor gradGatesTensor) {
        var gradOut = Rows.of(gradOutTensor);
        int width = gradOut.columns();
        var y = Rows.of(yTensor, gradOut.rows(), width);
        var gradY = Rows.of(gradYTensor, gradOut.rows(), width);
        var gates = Rows.flat(gatesTensor, gradOut.rows());
        var gradGates = Rows.flat(gradGatesTensor, gradOut.rows());
        var rows = Ints.below(gradOut.rows(), rowsTensor, gradOut.rows());
        pool.run(Math.ceilDiv(rows.length, ROWS), (item, worker) -> {
            int end = Math.min(rows.length, (item + 1) * ROWS);
            for (int t = item * ROWS; t < end; t++) {
                float gate = get(gates.at(0, t));
                double along = 0;
                for (int d = 0; d < width; d++) {
                    float grad = get(gradOut.at(t, d));
                    along += (double) grad * get(y.at(rows[t], d));
                    set(gradY.at(rows[t], d), gate * grad);
                }
                set(gradGates.at(0, t), (float) along);
            }
        });
    }
}
