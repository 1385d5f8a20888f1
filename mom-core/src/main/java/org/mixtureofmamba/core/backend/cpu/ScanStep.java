package org.mixtureofmamba.core.backend.cpu;

import static org.mixtureofmamba.core.backend.cpu.Native.STEP;
import static org.mixtureofmamba.core.backend.cpu.Native.broadcast;
import static org.mixtureofmamba.core.backend.cpu.Native.load;
import static org.mixtureofmamba.core.backend.cpu.Native.store;

/**
 * One token of the scan for one bundle, two vectors of channels side by side, over all N states: the innermost loops. State n of a bundle
 * lies at {@code n · BUNDLE}; the rate of decay is given as exp(A_log) · log2(e), so that exp(dt·A) = 2^(-dt·rate).
 */
final class ScanStep {
    /** Channels of a bundle. */
    static final int BUNDLE = 2 * Native.LANES;

    /** Bytes from one state of a bundle to the next. */
    private static final int STATE = 2 * STEP;

    private ScanStep() {}

    /** h = a h + dtX B, in place; y += h · C. Addresses: B and C of N floats, the others of bundles. */
    static void forward(long rate, long h, long dt, long dtX, long matB, long matC, long y, int states) {
        var dt0 = load(dt);
        var dt1 = load(dt + STEP);
        var dtX0 = load(dtX);
        var dtX1 = load(dtX + STEP);
        var y0 = load(y);
        var y1 = load(y + STEP);
        for (int n = 0; n < states; n++) {
            long at = (long) n * STATE;
            var b = broadcast(matB + 4L * n);
            var c = broadcast(matC + 4L * n);
            var h0 = VectorMath.exp2Negative(dt0.mul(load(rate + at))).fma(load(h + at), dtX0.mul(b));
            var h1 = VectorMath.exp2Negative(dt1.mul(load(rate + at + STEP))).fma(load(h + at + STEP), dtX1.mul(b));
            store(h + at, h0);
            store(h + at + STEP, h1);
            y0 = h0.fma(c, y0);
            y1 = h1.fma(c, y1);
        }
        store(y, y0);
        store(y + STEP, y1);
    }

    /** The same from {@code before} to {@code h}, keeping the decay as well; at a reset decay is 0 and so nothing comes from before. */
    static void recompute(
            boolean reset,
            long rate,
            long before,
            long h,
            long decay,
            long dt,
            long dtX,
            long matB,
            long matC,
            long y,
            int states) {
        var keep = broadcast(reset ? 0f : 1f);
        var dt0 = load(dt);
        var dt1 = load(dt + STEP);
        var dtX0 = load(dtX);
        var dtX1 = load(dtX + STEP);
        var y0 = load(y);
        var y1 = load(y + STEP);
        for (int n = 0; n < states; n++) {
            long at = (long) n * STATE;
            var b = broadcast(matB + 4L * n);
            var c = broadcast(matC + 4L * n);
            var a0 = VectorMath.exp2Negative(dt0.mul(load(rate + at))).mul(keep);
            var a1 = VectorMath.exp2Negative(dt1.mul(load(rate + at + STEP))).mul(keep);
            store(decay + at, a0);
            store(decay + at + STEP, a1);
            var h0 = a0.fma(load(before + at), dtX0.mul(b));
            var h1 = a1.fma(load(before + at + STEP), dtX1.mul(b));
            store(h + at, h0);
            store(h + at + STEP, h1);
            y0 = h0.fma(c, y0);
            y1 = h1.fma(c, y1);
        }
        store(y, y0);
        store(y + STEP, y1);
    }

    /**
     * gradH = carry + gradY C; gradC += gradY h; gradB += gradH dtX; gradDtX = Σ gradH B; carry = gradH a; q = carry before;
     * gradRate += q dt; gradDecay = Σ q rate. gradB and gradC are sums over channels: a vector for each state, its lanes summed later.
     */
    static void backward(
            long rate,
            long before,
            long h,
            long decay,
            long carry,
            long gradRate,
            long dt,
            long dtX,
            long gradY,
            long matB,
            long matC,
            long gradB,
            long gradC,
            long gradDtX,
            long gradDecay,
            int states) {
        var dt0 = load(dt);
        var dt1 = load(dt + STEP);
        var dtX0 = load(dtX);
        var dtX1 = load(dtX + STEP);
        var gradY0 = load(gradY);
        var gradY1 = load(gradY + STEP);
        var gradDtX0 = broadcast(0f);
        var gradDtX1 = gradDtX0;
        var gradDecay0 = gradDtX0;
        var gradDecay1 = gradDtX0;
        for (int n = 0; n < states; n++) {
            long at = (long) n * STATE;
            long sum = (long) n * STEP;
            var b = broadcast(matB + 4L * n);
            var c = broadcast(matC + 4L * n);
            var gradH0 = gradY0.fma(c, load(carry + at));
            var gradH1 = gradY1.fma(c, load(carry + at + STEP));
            store(gradC + sum, gradY0.fma(load(h + at), gradY1.fma(load(h + at + STEP), load(gradC + sum))));
            store(gradB + sum, gradH0.fma(dtX0, gradH1.fma(dtX1, load(gradB + sum))));
            gradDtX0 = gradH0.fma(b, gradDtX0);
            gradDtX1 = gradH1.fma(b, gradDtX1);
            var carry0 = gradH0.mul(load(decay + at));
            var carry1 = gradH1.mul(load(decay + at + STEP));
            store(carry + at, carry0);
            store(carry + at + STEP, carry1);
            var q0 = carry0.mul(load(before + at));
            var q1 = carry1.mul(load(before + at + STEP));
            store(gradRate + at, q0.fma(dt0, load(gradRate + at)));
            store(gradRate + at + STEP, q1.fma(dt1, load(gradRate + at + STEP)));
            gradDecay0 = q0.fma(load(rate + at), gradDecay0);
            gradDecay1 = q1.fma(load(rate + at + STEP), gradDecay1);
        }
        store(gradDtX, gradDtX0);
        store(gradDtX + STEP, gradDtX1);
        store(gradDecay, gradDecay0);
        store(gradDecay + STEP, gradDecay1);
    }
}
