package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.backend.TrainedBuffers;
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
 * AdamW (Loshchilov &amp; Hutter 2019, algorithm 2) and the norm it clips by, each one pass over flat buffers. With g =
 * grad scaled to the clipping norm: m = β1 m + (1-β1) g; v = β2 v + (1-β2) g²; θ -= rate · (m̂ / (sqrt(v̂) + ε) + decay
 * · θ).
 */
final class AdamWStep {
    private static final int PIECE = 16_384;

    private final WorkerPool pool;

    AdamWStep(WorkerPool pool) {
        this.pool = pool;
    }

    /**
     * out = Σ values²: float32 over {@link #PIECE} elements in as many sums as four vectors have lanes, float64 beyond.
     */
    void squaredNorm(Tensor valuesTensor, Tensor out) {
        int size = Math.toIntExact(valuesTensor.size());
        var values = Rows.flat(valuesTensor, size);
        var sums = new double[Math.ceilDiv(size, PIECE)];
        pool.run(sums.length, (item, worker) -> {
            int from = item * PIECE;
            sums[item] = sumOfSquares(values.at(0, from), Math.min(PIECE, size - from));
        });
        double total = 0;
        for (double sum : sums) {
            total += sum;
        }
        out.set(0, 0, total);
    }

    private static double sumOfSquares(long values, int count) {
        var s0 = broadcast(SPECIES, 0f);
        var s1 = s0;
        var s2 = s0;
        var s3 = s0;
        int j = 0;
        for (; j <= count - 4 * LANES; j += 4 * LANES) {
            long at = values + 4L * j;
            var v0 = fromMemorySegment(SPECIES, ALL, at, ORDER);
            var v1 = fromMemorySegment(SPECIES, ALL, at + Native.STEP, ORDER);
            var v2 = fromMemorySegment(SPECIES, ALL, at + 2 * Native.STEP, ORDER);
            var v3 = fromMemorySegment(SPECIES, ALL, at + 3 * Native.STEP, ORDER);
            s0 = v0.fma(v0, s0);
            s1 = v1.fma(v1, s1);
            s2 = v2.fma(v2, s2);
            s3 = v3.fma(v3, s3);
        }
        double sum = Native.sum(s0.add(s1).add(s2.add(s3)));
        for (; j < count; j++) {
            double v = get(values + 4L * j);
            sum += v * v;
        }
        return sum;
    }

    void step(AdamW settings, TrainedBuffers buffers) {
        double norm = Math.sqrt(buffers.gradSquaredNorm().get(0, 0));
        if (!Double.isFinite(norm)) {
            return;
        }
        int size = Math.toIntExact(buffers.master().size());
        var master = Rows.flat(buffers.master(), size);
        var grad = Rows.flat(buffers.grad(), size);
        var first = Rows.flat(buffers.firstMoment(), size);
        var second = Rows.flat(buffers.secondMoment(), size);
        var step = Coefficients.of(settings, norm);
        int pieces = Math.ceilDiv(size, PIECE);
        pool.run(pieces, (item, worker) -> {
            int from = item * PIECE;
            int to = Math.min(size, from + PIECE);
            int border = (int) Math.clamp(buffers.decayed(), from, to);
            update(step, step.decay, master, grad, first, second, from, border);
            update(step, 0, master, grad, first, second, border, to);
        });
        if (!buffers.working().equals(buffers.master())) {
            HostMemory.copyOnHost(buffers.master(), buffers.working());
        }
    }

    /** The factors of one step. With them θ = θ - decay·θ - rate · m / (sqrt(v · unbias) + ε). */
    private record Coefficients(
            float clip,
            float beta1,
            float beta2,
            float rest1,
            float rest2,
            float rate,
            float unbias,
            float epsilon,
            float decay) {
        static Coefficients of(AdamW s, double norm) {
            double clip = norm > s.clipNorm() ? s.clipNorm() / norm : 1;
            return new Coefficients(
                    (float) clip,
                    (float) s.beta1(),
                    (float) s.beta2(),
                    (float) (1 - s.beta1()),
                    (float) (1 - s.beta2()),
                    (float) (s.learningRate() / (1 - Math.pow(s.beta1(), s.step()))),
                    (float) (1 / (1 - Math.pow(s.beta2(), s.step()))),
                    (float) s.epsilon(),
                    (float) (s.learningRate() * s.weightDecay()));
        }
    }

    private static void update(
            Coefficients c, float decay, Rows master, Rows grad, Rows first, Rows second, int from, int to) {
        int j = from;
        for (; j <= to - LANES; j += LANES) {
            var theta = fromMemorySegment(SPECIES, ALL, master.at(0, j), ORDER);
            var g = fromMemorySegment(SPECIES, ALL, grad.at(0, j), ORDER).mul(c.clip);
            var m = fromMemorySegment(SPECIES, ALL, first.at(0, j), ORDER)
                    .mul(c.beta1)
                    .add(g.mul(c.rest1));
            var v = fromMemorySegment(SPECIES, ALL, second.at(0, j), ORDER)
                    .mul(c.beta2)
                    .add(g.mul(g).mul(c.rest2));
            m.intoMemorySegment(ALL, first.at(0, j), ORDER);
            v.intoMemorySegment(ALL, second.at(0, j), ORDER);
            var update = m.mul(c.rate).div(v.mul(c.unbias).sqrt().add(c.epsilon));
            theta.sub(theta.mul(decay)).sub(update).intoMemorySegment(ALL, master.at(0, j), ORDER);
        }
        for (; j < to; j++) {
            float theta = get(master.at(0, j));
            float g = get(grad.at(0, j)) * c.clip;
            float m = get(first.at(0, j)) * c.beta1 + g * c.rest1;
            float v = get(second.at(0, j)) * c.beta2 + g * g * c.rest2;
            set(first.at(0, j), m);
            set(second.at(0, j), v);
            float update = m * c.rate / ((float) Math.sqrt(v * c.unbias) + c.epsilon);
            set(master.at(0, j), theta - theta * decay - update);
        }
    }
}
