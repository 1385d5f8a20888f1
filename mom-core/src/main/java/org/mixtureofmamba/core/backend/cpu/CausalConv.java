package org.mixtureofmamba.core.backend.cpu;

import java.util.Optional;

import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
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
 * out[l] = SiLU(s[l]), s[l] = bias + Σ_k weight[·, k] · x[l - (K-1) + k] over the taps that lie in the document; x[l]
 * of l < 0 is what was carried here. Parallel over (sequence, stretch of L); a row is E contiguous channels. Forward
 * saves nothing: backward computes s again, and for the K-1 tokens after its stretch as well. gradX is overwritten; the
 * gradients of weight and bias are summed stretch by stretch in a fixed order.
 */
final class CausalConv {
    /** Tokens of a stretch. */
    private static final int STRETCH = 64;

    private final WorkerPool pool;
    private final Workspace workspace;

    CausalConv(WorkerPool pool, Workspace workspace) {
        this.pool = pool;
        this.workspace = workspace;
    }

    void forward(
            Tensor xTensor,
            Tensor weightTensor,
            Tensor biasTensor,
            ModalityLayout layout,
            Carry carry,
            Tensor outTensor) {
        var mark = workspace.mark();
        var conv = new Operands(xTensor, weightTensor, biasTensor, layout, carry.before());
        var out = Rows.of(outTensor, conv.x.rows(), conv.x.columns());
        pool.run(conv.items(), (item, worker) -> {
            var taps = new Taps(conv.kernel);
            int sequence = conv.sequence(item);
            int end = conv.end(item);
            for (int t = conv.start(item); t < end; t++) {
                long row = out.row(conv.order.rowOf()[t]);
                conv.preActivation(t, sequence, taps, row);
                silu(row, conv.x.columns());
            }
        });
        carry.after().ifPresent(after -> conv.carryOn(conv.carried(after)));
        workspace.release(mark);
    }

    void backward(
            Tensor gradOutTensor,
            Tensor xTensor,
            Tensor weightTensor,
            Tensor biasTensor,
            ModalityLayout layout,
            Carry carry,
            Tensor gradXTensor,
            Tensor gradWeightTensor,
            Tensor gradBiasTensor,
            Write write,
            Carry gradCarry) {
        var mark = workspace.mark();
        var conv = new Operands(xTensor, weightTensor, biasTensor, layout, carry.before());
        var gradBefore = gradCarry.before().map(conv::carried);
        var gradAfter = gradCarry.after().map(conv::carried);
        int width = conv.x.columns();
        int kernel = conv.kernel;
        var rowOf = conv.order.rowOf();
        var position = conv.order.position();
        var gradOut = Rows.of(gradOutTensor, conv.x.rows(), width);
        var gradX = Rows.of(gradXTensor, conv.x.rows(), width);
        // Row k of an item is the gradient of tap k, row K that of the bias.
        var partial = Rows.of(workspace.tensor(DType.FLOAT32, (long) conv.items() * (kernel + 1), width));
        int held = STRETCH + kernel - 1;
        var gradS = Rows.of(workspace.tensor(DType.FLOAT32, (long) pool.workers() * held, width));
        pool.run(conv.items(), (item, worker) -> {
            var taps = new Taps(kernel);
            int start = conv.start(item);
            int end = conv.end(item);
            int sequence = conv.sequence(item);
            int endOfSequence = sequence + conv.order.length();
            int reach = Math.min(endOfSequence, end + kernel - 1);
            int first = worker * held; // the row of gradS that belongs to token `start`
            for (int t = start; t < reach; t++) {
                long row = gradS.row(first + t - start);
                conv.preActivation(t, sequence, taps, row);
                siluBackward(gradOut.row(rowOf[t]), row, width);
            }
            int sums = item * (kernel + 1);
            Native.zero(partial.row(sums), (long) (kernel + 1) * width);
            // Tokens before the sequence, whose inputs were carried here, get their gradients beside its own.
            for (int t = start == sequence && gradBefore.isPresent() ? start - (kernel - 1) : start; t < end; t++) {
                long gradInput =
                        t < start ? gradBefore.orElseThrow().row(conv.carriedRow(t, sequence)) : gradX.row(rowOf[t]);
                taps.clear();
                for (int k = kernel - 1; k >= 0; k--) {
                    int later = t + kernel - 1 - k;
                    if (later >= start && later < reach && position[later] >= later - t) {
                        taps.add(conv.weight.row(k), gradS.row(first + later - start));
                    }
                }
                taps.weightedSum(0, gradInput, width);
                if (gradAfter.isPresent() && conv.isCarriedOn(t, sequence)) {
                    int carriedOn = conv.carriedRow(t - conv.order.length(), sequence);
                    Native.add(gradAfter.get().row(carriedOn), gradInput, width);
                }
            }
            for (int t = start; t < end; t++) {
                long gradient = gradS.row(first + t - start);
                for (int k = Math.max(0, kernel - 1 - position[t]); k < kernel; k++) {
                    long input = conv.input(t - (kernel - 1) + k, sequence);
                    multiplyAdd(gradient, input, partial.row(sums + k), width);
                }
                Native.add(gradient, partial.row(sums + kernel), width);
            }
        });
        combine(
                partial,
                conv.items(),
                kernel,
                Rows.of(gradWeightTensor.reshape(width, kernel)),
                Rows.flat(gradBiasTensor, width),
                write);
        workspace.release(mark);
    }

    private static void combine(Rows partial, int items, int kernel, Rows gradWeight, Rows gradBias, Write write) {
        int width = partial.columns();
        for (int item = 1; item < items; item++) {
            Native.add(partial.row(item * (kernel + 1)), partial.row(0), (kernel + 1) * width);
        }
        for (int j = 0; j < width; j++) {
            for (int k = 0; k < kernel; k++) {
                long to = gradWeight.at(j, k);
                float sum = get(partial.at(k, j));
                set(to, write == Write.ADD ? get(to) + sum : sum);
            }
        }
        Native.write(partial.row(kernel), gradBias.address(), width, write);
    }

    /**
     * What both directions read: the weight turned to [K, E], so that each tap is a row. Token t counts on from
     * sequence to sequence; {@code sequence} is the first of its own, and the tokens before that one are those carried
     * here.
     */
    private final class Operands {
        final Rows x;
        final Rows weight;
        final Rows bias;
        final int kernel;
        final SequenceOrder order;
        final Optional<Rows> before;
        final int stretches;

        Operands(
                Tensor xTensor,
                Tensor weightTensor,
                Tensor biasTensor,
                ModalityLayout layout,
                Optional<Tensor> beforeTensor) {
            x = Rows.of(xTensor, layout.tokens(), xTensor.columns());
            kernel = Math.toIntExact(weightTensor.size() / x.columns());
            bias = Rows.flat(biasTensor, x.columns());
            order = SequenceOrder.of(layout, beforeTensor.isPresent());
            before = beforeTensor.map(this::carried);
            stretches = Math.ceilDiv(layout.length(), STRETCH);
            var channelMajor = Rows.of(weightTensor.reshape(x.columns(), kernel));
            weight = Rows.of(workspace.tensor(DType.FLOAT32, kernel, x.columns()));
            for (int j = 0; j < x.columns(); j++) {
                for (int k = 0; k < kernel; k++) {
                    set(weight.at(k, j), get(channelMajor.at(j, k)));
                }
            }
        }

        int items() {
            return order.batch() * stretches;
        }

        int sequence(int item) {
            return item / stretches * order.length();
        }

        int start(int item) {
            return sequence(item) + item % stretches * STRETCH;
        }

        int end(int item) {
            return Math.min(start(item) + STRETCH, sequence(item) + order.length());
        }

        /** s of token t into a row. */
        void preActivation(int t, int sequence, Taps taps, long out) {
            taps.clear();
            for (int k = Math.max(0, kernel - 1 - order.position()[t]); k < kernel; k++) {
                taps.add(weight.row(k), input(t - (kernel - 1) + k, sequence));
            }
            taps.weightedSum(bias.address(), out, x.columns());
        }

        /** The address of a token's input. */
        long input(int t, int sequence) {
            return t >= sequence
                    ? x.row(order.rowOf()[t])
                    : before.orElseThrow().row(carriedRow(t, sequence));
        }

        /** Carried inputs [B, K-1, E] as rows. */
        Rows carried(Tensor tensor) {
            return Rows.of(tensor, order.batch() * (kernel - 1), x.columns());
        }

        /** The row among carried inputs of a token that lies before its sequence. */
        int carriedRow(int t, int sequence) {
            return (sequence / order.length() + 1) * (kernel - 1) + t - sequence;
        }

        /** Whether a token's input is among those that its sequence carries on. */
        boolean isCarriedOn(int t, int sequence) {
            int last = sequence + order.length() - 1;
            return last - t < kernel - 1 && order.position()[last] >= last - t;
        }

        /** The inputs that sequences carry on: zeros where the last document begins later. */
        void carryOn(Rows after) {
            for (int b = 0; b < order.batch(); b++) {
                int sequence = b * order.length();
                int end = sequence + order.length();
                for (int t = end - (kernel - 1); t < end; t++) {
                    long to = after.row(carriedRow(t - order.length(), sequence));
                    if (isCarriedOn(t, sequence)) {
                        Native.copy(input(t, sequence), to, x.columns());
                    } else {
                        Native.zero(to, x.columns());
                    }
                }
            }
        }
    }

    /** Pairs of rows whose products are summed. */
    private static final class Taps {
        private final long[] weights;
        private final long[] rows;
        private int count;

        Taps(int kernel) {
            weights = new long[kernel];
            rows = new long[kernel];
        }

        void clear() {
            count = 0;
        }

        void add(long weight, long row) {
            weights[count] = weight;
            rows[count++] = row;
        }

        /** out = start (0: none) + Σ weight · row. */
        void weightedSum(long start, long out, int width) {
            int j = 0;
            if (count == 4) {
                j = sumOfFour(
                        start,
                        weights[0],
                        rows[0],
                        weights[1],
                        rows[1],
                        weights[2],
                        rows[2],
                        weights[3],
                        rows[3],
                        out,
                        width);
            } else {
                for (; j <= width - LANES; j += LANES) {
                    long at = 4L * j;
                    var sum = start == 0 ? broadcast(SPECIES, 0f) : fromMemorySegment(SPECIES, ALL, start + at, ORDER);
                    for (int i = 0; i < count; i++) {
                        sum = fromMemorySegment(SPECIES, ALL, weights[i] + at, ORDER)
                                .fma(fromMemorySegment(SPECIES, ALL, rows[i] + at, ORDER), sum);
                    }
                    sum.intoMemorySegment(ALL, out + at, ORDER);
                }
            }
            for (; j < width; j++) {
                long at = 4L * j;
                float sum = start == 0 ? 0 : get(start + at);
                for (int i = 0; i < count; i++) {
                    sum += get(weights[i] + at) * get(rows[i] + at);
                }
                set(out + at, sum);
            }
        }

        /** The usual K; returns the first column left over. */
        private static int sumOfFour(
                long start,
                long w0,
                long r0,
                long w1,
                long r1,
                long w2,
                long r2,
                long w3,
                long r3,
                long out,
                int width) {
            int j = 0;
            for (; j <= width - LANES; j += LANES) {
                long at = 4L * j;
                var sum = start == 0 ? broadcast(SPECIES, 0f) : fromMemorySegment(SPECIES, ALL, start + at, ORDER);
                sum = fromMemorySegment(SPECIES, ALL, w0 + at, ORDER)
                        .fma(fromMemorySegment(SPECIES, ALL, r0 + at, ORDER), sum);
                sum = fromMemorySegment(SPECIES, ALL, w1 + at, ORDER)
                        .fma(fromMemorySegment(SPECIES, ALL, r1 + at, ORDER), sum);
                sum = fromMemorySegment(SPECIES, ALL, w2 + at, ORDER)
                        .fma(fromMemorySegment(SPECIES, ALL, r2 + at, ORDER), sum);
                fromMemorySegment(SPECIES, ALL, w3 + at, ORDER)
                        .fma(fromMemorySegment(SPECIES, ALL, r3 + at, ORDER), sum)
                        .intoMemorySegment(ALL, out + at, ORDER);
            }
            return j;
        }
    }

    /** s becomes SiLU(s). */
    private static void silu(long s, int width) {
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            var v = fromMemorySegment(SPECIES, ALL, s + 4L * j, ORDER);
            v.mul(VectorMath.sigmoid(v)).intoMemorySegment(ALL, s + 4L * j, ORDER);
        }
        for (; j < width; j++) {
            float v = get(s + 4L * j);
            set(s + 4L * j, v * VectorMath.sigmoid(v));
        }
    }

    /** s becomes gradOut · SiLU'(s) = gradOut · σ (1 + s (1 - σ)). */
    private static void siluBackward(long gradOut, long s, int width) {
        var one = broadcast(SPECIES, 1f);
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            long at = 4L * j;
            var v = fromMemorySegment(SPECIES, ALL, s + at, ORDER);
            var sigmoid = VectorMath.sigmoid(v);
            fromMemorySegment(SPECIES, ALL, gradOut + at, ORDER)
                    .mul(sigmoid)
                    .mul(one.sub(sigmoid).fma(v, one))
                    .intoMemorySegment(ALL, s + at, ORDER);
        }
        for (; j < width; j++) {
            long at = 4L * j;
            float v = get(s + at);
            float sigmoid = VectorMath.sigmoid(v);
            set(s + at, get(gradOut + at) * sigmoid * (1 + v * (1 - sigmoid)));
        }
    }

    /** sum += a · b. */
    private static void multiplyAdd(long a, long b, long sum, int width) {
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            long at = 4L * j;
            fromMemorySegment(SPECIES, ALL, a + at, ORDER)
                    .fma(
                            fromMemorySegment(SPECIES, ALL, b + at, ORDER),
                            fromMemorySegment(SPECIES, ALL, sum + at, ORDER))
                    .intoMemorySegment(ALL, sum + at, ORDER);
        }
        for (; j < width; j++) {
            long at = 4L * j;
            set(sum + at, get(sum + at) + get(a + at) * get(b + at));
        }
    }
}
