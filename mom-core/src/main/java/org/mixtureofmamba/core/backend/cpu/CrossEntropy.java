package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.TokenIds;
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
 * The loss of logits = x · headᵀ, log Σ exp(logits) - logits[target], and at once its gradients. Logits are made for a
 * stretch of rows, turned into their own gradient scale · (softmax - onehot) in place, used, and overwritten by the
 * next stretch. gradX overwrites, gradHead as the caller says, losses are summed in float64 in the order of rows.
 */
final class CrossEntropy {
    /** Rows whose logits are held at once; each stretch reads and writes gradHead once. */
    private static final int STRETCH = 1024;

    /** Rows of a worker's tile of a stretch. */
    private static final int TILE = 256;

    /** Words of a worker's tile of gradHead. */
    private static final int WORDS = 256;

    private final WorkerPool pool;
    private final Blas blas;
    private final Workspace workspace;

    CrossEntropy(WorkerPool pool, Blas blas, Workspace workspace) {
        this.pool = pool;
        this.blas = blas;
        this.workspace = workspace;
    }

    void forward(Tensor xTensor, Tensor headTensor, TokenIds targets, Tensor targetModality, Tensor lossSums) {
        var loss = new Operands(xTensor, headTensor, targets, targetModality, lossSums);
        var mark = workspace.mark();
        var logits = Rows.of(workspace.tensor(DType.FLOAT32, (long) pool.workers() * TILE, loss.head.rows()));
        blas.useOneThread();
        pool.run(Math.ceilDiv(loss.x.rows(), TILE), (item, worker) -> {
            int from = item * TILE;
            int to = Math.min(loss.x.rows(), from + TILE);
            loss.logits(worker, from, to, logits, worker * TILE);
            for (int row = from; row < to; row++) {
                loss.exponentials(row, logits.row(worker * TILE + row - from));
            }
        });
        loss.addTo(lossSums);
        workspace.release(mark);
    }

    void forwardBackward(
            Tensor xTensor,
            Tensor headTensor,
            TokenIds targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradXTensor,
            Tensor gradHeadTensor,
            Write write) {
        var loss = new Operands(xTensor, headTensor, targets, targetModality, lossSums);
        int rows = loss.x.rows();
        int width = loss.x.columns();
        int vocabulary = loss.head.rows();
        var gradX = Rows.of(gradXTensor, rows, width);
        var gradHead = Rows.of(gradHeadTensor, vocabulary, width);
        var mark = workspace.mark();
        var logits = Rows.of(workspace.tensor(DType.FLOAT32, Math.min(STRETCH, rows), vocabulary));
        blas.useOneThread();
        for (int start = 0; start < rows; start += STRETCH) {
            int first = start;
            int count = Math.min(STRETCH, rows - first);
            pool.run(Math.ceilDiv(count, TILE), (item, worker) -> {
                int from = first + item * TILE;
                int to = Math.min(first + count, from + TILE);
                loss.logits(worker, from, to, logits, from - first);
                for (int row = from; row < to; row++) {
                    long at = logits.row(row - first);
                    float sum = loss.exponentials(row, at);
                    loss.gradient(row, at, sum, scale);
                }
                blas.multiply(
                        worker,
                        to - from,
                        width,
                        vocabulary,
                        logits.row(from - first),
                        logits.stride(),
                        false,
                        loss.head.address(),
                        loss.head.stride(),
                        false,
                        0,
                        gradX.row(from),
                        gradX.stride());
            });
            pool.run(Math.ceilDiv(vocabulary, WORDS), (item, worker) -> {
                int word = item * WORDS;
                blas.multiply(
                        worker,
                        Math.min(WORDS, vocabulary - word),
                        width,
                        count,
                        logits.at(0, word),
                        logits.stride(),
                        true,
                        loss.x.row(first),
                        loss.x.stride(),
                        false,
                        write == Write.ADD || first > 0 ? 1 : 0,
                        gradHead.row(word),
                        gradHead.stride());
            });
        }
        loss.addTo(lossSums);
        workspace.release(mark);
    }

    private final class Operands {
        final Rows x;
        final Rows head;
        private final int[] targets;
        private final int[] modality;
        private final double[] losses;

        Operands(Tensor xTensor, Tensor headTensor, TokenIds targetIds, Tensor modalityTensor, Tensor lossSums) {
            x = Rows.of(xTensor);
            head = Rows.of(headTensor, Math.toIntExact(headTensor.rows()), x.columns());
            targets = Ints.of(targetIds.values(), x.rows());
            modality = Ints.of(modalityTensor, x.rows());
            losses = new double[x.rows()];
            int modalities = Math.toIntExact(lossSums.size());
            for (int row = 0; row < x.rows(); row++) {
                if (modality[row] >= 0) {
                    Ints.check(modality[row], modalities);
                    Ints.check(targets[row], head.rows());
                }
            }
        }

        void logits(int worker, int from, int to, Rows logits, int at) {
            blas.multiply(
                    worker,
                    to - from,
                    head.rows(),
                    x.columns(),
                    x.row(from),
                    x.stride(),
                    false,
                    head.address(),
                    head.stride(),
                    true,
                    0,
                    logits.row(at),
                    logits.stride());
        }

        /** Notes the loss of a row, turns its logits into exp(logit - largest) and returns their sum. */
        float exponentials(int row, long logits) {
            if (modality[row] < 0) {
                return 0;
            }
            float target = get(logits + 4L * targets[row]);
            float largest = largest(logits, head.rows());
            // The exponential loses what is no number, so the loss is told here.
            float sum = exponentiate(logits, largest, head.rows()) + (Float.isFinite(largest) ? 0 : Float.NaN);
            losses[row] = Math.log(sum) + ((double) largest - target);
            return sum;
        }

        /** Exponentials become scale · (softmax - onehot); zeros where there is no loss. */
        void gradient(int row, long exponentials, float sum, double scale) {
            if (modality[row] < 0) {
                Native.zero(exponentials, head.rows());
                return;
            }
            multiply(exponentials, (float) (scale / sum), head.rows());
            long target = exponentials + 4L * targets[row];
            set(target, get(target) - (float) scale);
        }

        void addTo(Tensor lossSums) {
            for (int row = 0; row < losses.length; row++) {
                if (modality[row] >= 0) {
                    lossSums.set(0, modality[row], lossSums.get(0, modality[row]) + losses[row]);
                }
            }
        }
    }

    private static float largest(long values, int count) {
        var largest = broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        int j = 0;
        for (; j <= count - LANES; j += LANES) {
            largest = largest.max(fromMemorySegment(SPECIES, ALL, values + 4L * j, ORDER));
        }
        float result = largest.reduceLanes(jdk.incubator.vector.VectorOperators.MAX);
        for (; j < count; j++) {
            result = Math.max(result, get(values + 4L * j));
        }
        return result;
    }

    /** values = exp(values - largest); returns their sum. */
    private static float exponentiate(long values, float largest, int count) {
        var top = broadcast(SPECIES, largest);
        var even = broadcast(SPECIES, 0f);
        var odd = even;
        int j = 0;
        for (; j <= count - 2 * LANES; j += 2 * LANES) {
            long at = values + 4L * j;
            var e0 = VectorMath.exp2Negative(
                    top.sub(fromMemorySegment(SPECIES, ALL, at, ORDER)).mul(VectorMath.LOG2_E));
            var e1 = VectorMath.exp2Negative(top.sub(fromMemorySegment(SPECIES, ALL, at + Native.STEP, ORDER))
                    .mul(VectorMath.LOG2_E));
            e0.intoMemorySegment(ALL, at, ORDER);
            e1.intoMemorySegment(ALL, at + Native.STEP, ORDER);
            even = even.add(e0);
            odd = odd.add(e1);
        }
        float sum = Native.sum(even.add(odd));
        for (; j < count; j++) {
            float e = (float) Math.exp(get(values + 4L * j) - largest);
            set(values + 4L * j, e);
            sum += e;
        }
        return sum;
    }

    private static void multiply(long values, float factor, int count) {
        int j = 0;
        for (; j <= count - LANES; j += LANES) {
            fromMemorySegment(SPECIES, ALL, values + 4L * j, ORDER)
                    .mul(factor)
                    .intoMemorySegment(ALL, values + 4L * j, ORDER);
        }
        for (; j < count; j++) {
            set(values + 4L * j, get(values + 4L * j) * factor);
        }
    }
}
