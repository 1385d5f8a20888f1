package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.tensor.DType;

/**
 * The matrix-product rate of this machine: the best of a few products of 1024 · 1024 · 1024 for each worker, all at
 * once.
 */
final class PeakRate {
    private static final int SIZE = 1024;
    private static final int ROUNDS = 4;

    private final WorkerPool pool;
    private final Blas blas;
    private final Workspace workspace;
    private double measured;

    PeakRate(WorkerPool pool, Blas blas, Workspace workspace) {
        this.pool = pool;
        this.blas = blas;
        this.workspace = workspace;
    }

    double flopsPerSecond() {
        if (measured == 0) {
            var mark = workspace.mark();
            var operands = Rows.of(workspace.tensor(DType.FLOAT32, 3L * pool.workers() * SIZE, SIZE));
            Native.zero(operands.address(), (long) operands.rows() * SIZE);
            blas.useOneThread();
            for (int round = 0; round < ROUNDS; round++) {
                long start = System.nanoTime();
                pool.run(pool.workers(), (item, worker) -> multiply(operands, item, worker));
                double seconds = (System.nanoTime() - start) * 1e-9;
                measured = Math.max(measured, 2.0 * SIZE * SIZE * SIZE * pool.workers() / seconds);
            }
            workspace.release(mark);
        }
        return measured;
    }

    private void multiply(Rows operands, int item, int worker) {
        int first = 3 * item * SIZE;
        blas.multiply(
                worker,
                SIZE,
                SIZE,
                SIZE,
                operands.row(first),
                SIZE,
                false,
                operands.row(first + SIZE),
                SIZE,
                false,
                0,
                operands.row(first + 2 * SIZE),
                SIZE);
    }
}
