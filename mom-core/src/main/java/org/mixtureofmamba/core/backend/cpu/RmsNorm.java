package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static org.mixtureofmamba.core.backend.cpu.Native.ALL;
import static org.mixtureofmamba.core.backend.cpu.Native.LANES;
import static org.mixtureofmamba.core.backend.cpu.Native.ORDER;
import static org.mixtureofmamba.core.backend.cpu.Native.SPECIES;
import static org.mixtureofmamba.core.backend.cpu.Native.get;
import static org.mixtureofmamba.core.backend.cpu.Native.set;

/**
 * out = x · r · weight, r = 1 / sqrt(mean(x²) + epsilon), row by row (Zhang &amp; Sennrich 2019). Forward saves r.
 * Backward, with xhat = x · r and g = gradOut · weight: gradX += r · (g - xhat · mean(g · xhat)), gradWeight += Σ
 * gradOut · xhat.
 */
final class RmsNorm {
    private static final int ROWS = 128;

    private final WorkerPool pool;
    private final Workspace workspace;

    RmsNorm(WorkerPool pool, Workspace workspace) {
        this.pool = pool;
        this.workspace = workspace;
    }

    void forward(Tensor xTensor, Tensor weightTensor, double epsilon, Tensor outTensor, Tensor inverseRmsTensor) {
        var x = Rows.of(xTensor);
        var out = Rows.of(outTensor, x.rows(), x.columns());
        var weight = Rows.flat(weightTensor, x.columns());
        var inverseRms = Rows.flat(inverseRmsTensor, x.rows());
        pool.run(Math.ceilDiv(x.rows(), ROWS), (item, worker) -> {
            int end = Math.min(x.rows(), (item + 1) * ROWS);
            for (int row = item * ROWS; row < end; row++) {
                float meanSquare = dot(x.row(row), x.row(row), x.columns()) / x.columns();
                float r = (float) (1 / Math.sqrt(meanSquare + epsilon));
                set(inverseRms.at(0, row), r);
                scale(x.row(row), r, weight.address(), out.row(row), x.columns());
            }
        });
    }

    void backward(
            Tensor gradOutTensor,
            Tensor xTensor,
            Tensor weightTensor,
            Tensor inverseRmsTensor,
            Tensor gradXTensor,
            Tensor gradWeightTensor,
            Write write) {
        var x = Rows.of(xTensor);
        int width = x.columns();
        var gradOut = Rows.of(gradOutTensor, x.rows(), width);
        var gradX = Rows.of(gradXTensor, x.rows(), width);
        var weight = Rows.flat(weightTensor, width);
        var gradWeight = Rows.flat(gradWeightTensor, width);
        var inverseRms = Rows.flat(inverseRmsTensor, x.rows());
        int items = Math.ceilDiv(x.rows(), ROWS);
        var mark = workspace.mark();
        var partial = Rows.of(workspace.tensor(DType.FLOAT32, items, width));
        var products = Rows.of(workspace.tensor(DType.FLOAT32, pool.workers(), width));
        pool.run(items, (item, worker) -> {
            Native.zero(partial.row(item), width);
            int end = Math.min(x.rows(), (item + 1) * ROWS);
            for (int row = item * ROWS; row < end; row++) {
                float r = get(inverseRms.at(0, row));
                // g · weight of this row, needed twice
                scale(gradOut.row(row), 1, weight.address(), products.row(worker), width);
                float mean = dot(products.row(worker), x.row(row), width) * r / width;
                gradientRow(
                        gradOut.row(row),
                        x.row(row),
                        products.row(worker),
                        r,
                        mean,
                        gradX.row(row),
                        partial.row(item),
                        width);
            }
        });
        if (write == Write.OVERWRITE) {
            Native.zero(gradWeight.address(), width);
        }
        for (int item = 0; item < items; item++) {
            Native.add(partial.row(item), gradWeight.address(), width);
        }
        workspace.release(mark);
    }

    private static float dot(long a, long b, int width) {
        var sum = broadcast(SPECIES, 0f);
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            long at = 4L * j;
            sum = fromMemorySegment(SPECIES, ALL, a + at, ORDER)
                    .fma(fromMemorySegment(SPECIES, ALL, b + at, ORDER), sum);
        }
        float rest = 0;
        for (; j < width; j++) {
            rest += get(a + 4L * j) * get(b + 4L * j);
        }
        return Native.sum(sum) + rest;
    }

    /** out = x · r · weight. */
    private static void scale(long x, float r, long weight, long out, int width) {
        var factor = broadcast(SPECIES, r);
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            long at = 4L * j;
            fromMemorySegment(SPECIES, ALL, x + at, ORDER)
                    .mul(factor)
                    .mul(fromMemorySegment(SPECIES, ALL, weight + at, ORDER))
                    .intoMemorySegment(ALL, out + at, ORDER);
        }
        for (; j < width; j++) {
            long at = 4L * j;
            set(out + at, get(x + at) * r * get(weight + at));
        }
    }

    private static void gradientRow(
            long gradOut, long x, long g, float r, float mean, long gradX, long gradWeight, int width) {
        var factor = broadcast(SPECIES, r);
        var offset = broadcast(SPECIES, -mean);
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            long at = 4L * j;
            var xhat = fromMemorySegment(SPECIES, ALL, x + at, ORDER).mul(factor);
            xhat.fma(offset, fromMemorySegment(SPECIES, ALL, g + at, ORDER))
                    .fma(factor, fromMemorySegment(SPECIES, ALL, gradX + at, ORDER))
                    .intoMemorySegment(ALL, gradX + at, ORDER);
            fromMemorySegment(SPECIES, ALL, gradOut + at, ORDER)
                    .fma(xhat, fromMemorySegment(SPECIES, ALL, gradWeight + at, ORDER))
                    .intoMemorySegment(ALL, gradWeight + at, ORDER);
        }
        for (; j < width; j++) {
            long at = 4L * j;
            float xhat = get(x + at) * r;
            set(gradX + at, get(gradX + at) + r * (get(g + at) - xhat * mean));
            set(gradWeight + at, get(gradWeight + at) + get(gradOut + at) * xhat);
        }
    }
}
