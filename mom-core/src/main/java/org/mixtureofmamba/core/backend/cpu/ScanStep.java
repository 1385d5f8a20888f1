package org.mixtureofmamba.core.backend.cpu;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static org.mixtureofmamba.core.backend.cpu.Native.ALL;
import static org.mixtureofmamba.core.backend.cpu.Native.ORDER;
import static org.mixtureofmamba.core.backend.cpu.Native.SPECIES;
import static org.mixtureofmamba.core.backend.cpu.Native.STEP;

/**
 * One token of the scan for one bundle, two vectors of channels side by side, over all N states: the innermost loops.
 * State n of a bundle lies at {@code n · BUNDLE}; the rate of decay is given as exp(A_log) · log2(e), so that exp(dt·A)
 * = 2^(-dt·rate).
 */
final class ScanStep {
    /** Channels of a bundle. */
    static final int BUNDLE = 2 * Native.LANES;

    /** Bytes from one state of a bundle to the next. */
    private static final int STATE = 2 * STEP;

    private ScanStep() {}

    /** h = a h + dtX B, in place; y += h · C. Addresses: B and C of N floats, the others of bundles. */
    static void forward(
            long rate, long h, long dt, long dtX, float[] matB, float[] matC, int first, long y, int states) {
        var dt0 = fromMemorySegment(SPECIES, ALL, dt, ORDER);
        var dt1 = fromMemorySegment(SPECIES, ALL, dt + STEP, ORDER);
        var dtX0 = fromMemorySegment(SPECIES, ALL, dtX, ORDER);
        var dtX1 = fromMemorySegment(SPECIES, ALL, dtX + STEP, ORDER);
        var y0 = fromMemorySegment(SPECIES, ALL, y, ORDER);
        var y1 = fromMemorySegment(SPECIES, ALL, y + STEP, ORDER);
        for (int n = 0; n < states; n++) {
            long at = (long) n * STATE;
            var b = broadcast(SPECIES, matB[first + n]);
            var c = broadcast(SPECIES, matC[first + n]);
            var h0 = VectorMath.exp2Negative(dt0.mul(fromMemorySegment(SPECIES, ALL, rate + at, ORDER)))
                    .fma(fromMemorySegment(SPECIES, ALL, h + at, ORDER), dtX0.mul(b));
            var h1 = VectorMath.exp2Negative(dt1.mul(fromMemorySegment(SPECIES, ALL, rate + at + STEP, ORDER)))
                    .fma(fromMemorySegment(SPECIES, ALL, h + at + STEP, ORDER), dtX1.mul(b));
            h0.intoMemorySegment(ALL, h + at, ORDER);
            h1.intoMemorySegment(ALL, h + at + STEP, ORDER);
            y0 = h0.fma(c, y0);
            y1 = h1.fma(c, y1);
        }
        y0.intoMemorySegment(ALL, y, ORDER);
        y1.intoMemorySegment(ALL, y + STEP, ORDER);
    }

    /**
     * The same from {@code before} to {@code h}, keeping the decay as well; at a reset decay is 0 and so nothing comes
     * from before.
     */
    static void recompute(
            boolean reset,
            long rate,
            long before,
            long h,
            long decay,
            long dt,
            long dtX,
            float[] matB,
            float[] matC,
            int first,
            long y,
            int states) {
        var keep = broadcast(SPECIES, reset ? 0f : 1f);
        var dt0 = fromMemorySegment(SPECIES, ALL, dt, ORDER);
        var dt1 = fromMemorySegment(SPECIES, ALL, dt + STEP, ORDER);
        var dtX0 = fromMemorySegment(SPECIES, ALL, dtX, ORDER);
        var dtX1 = fromMemorySegment(SPECIES, ALL, dtX + STEP, ORDER);
        var y0 = fromMemorySegment(SPECIES, ALL, y, ORDER);
        var y1 = fromMemorySegment(SPECIES, ALL, y + STEP, ORDER);
        for (int n = 0; n < states; n++) {
            long at = (long) n * STATE;
            var b = broadcast(SPECIES, matB[first + n]);
            var c = broadcast(SPECIES, matC[first + n]);
            var a0 = VectorMath.exp2Negative(dt0.mul(fromMemorySegment(SPECIES, ALL, rate + at, ORDER)))
                    .mul(keep);
            var a1 = VectorMath.exp2Negative(dt1.mul(fromMemorySegment(SPECIES, ALL, rate + at + STEP, ORDER)))
                    .mul(keep);
            a0.intoMemorySegment(ALL, decay + at, ORDER);
            a1.intoMemorySegment(ALL, decay + at + STEP, ORDER);
            var h0 = a0.fma(fromMemorySegment(SPECIES, ALL, before + at, ORDER), dtX0.mul(b));
            var h1 = a1.fma(fromMemorySegment(SPECIES, ALL, before + at + STEP, ORDER), dtX1.mul(b));
            h0.intoMemorySegment(ALL, h + at, ORDER);
            h1.intoMemorySegment(ALL, h + at + STEP, ORDER);
            y0 = h0.fma(c, y0);
            y1 = h1.fma(c, y1);
        }
        y0.intoMemorySegment(ALL, y, ORDER);
        y1.intoMemorySegment(ALL, y + STEP, ORDER);
    }

    /**
     * gradH = carry + gradY C; gradC += gradY h; gradB += gradH dtX; gradDtX = Σ gradH B; carry = gradH a; q = carry
     * before; gradRate += q dt; gradDecay = Σ q rate. gradB and gradC are sums over channels: a vector for each state,
     * its lanes summed later.
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
            float[] matB,
            float[] matC,
            int first,
            long gradB,
            long gradC,
            long gradDtX,
            long gradDecay,
            int states) {
        var dt0 = fromMemorySegment(SPECIES, ALL, dt, ORDER);
        var dt1 = fromMemorySegment(SPECIES, ALL, dt + STEP, ORDER);
        var dtX0 = fromMemorySegment(SPECIES, ALL, dtX, ORDER);
        var dtX1 = fromMemorySegment(SPECIES, ALL, dtX + STEP, ORDER);
        var gradY0 = fromMemorySegment(SPECIES, ALL, gradY, ORDER);
        var gradY1 = fromMemorySegment(SPECIES, ALL, gradY + STEP, ORDER);
        var gradDtX0 = broadcast(SPECIES, 0f);
        var gradDtX1 = gradDtX0;
        var gradDecay0 = gradDtX0;
        var gradDecay1 = gradDtX0;
        for (int n = 0; n < states; n++) {
            long at = (long) n * STATE;
            long sum = (long) n * STEP;
            var b = broadcast(SPECIES, matB[first + n]);
            var c = broadcast(SPECIES, matC[first + n]);
            var gradH0 = gradY0.fma(c, fromMemorySegment(SPECIES, ALL, carry + at, ORDER));
            var gradH1 = gradY1.fma(c, fromMemorySegment(SPECIES, ALL, carry + at + STEP, ORDER));
            gradY0.fma(
                            fromMemorySegment(SPECIES, ALL, h + at, ORDER),
                            gradY1.fma(
                                    fromMemorySegment(SPECIES, ALL, h + at + STEP, ORDER),
                                    fromMemorySegment(SPECIES, ALL, gradC + sum, ORDER)))
                    .intoMemorySegment(ALL, gradC + sum, ORDER);
            gradH0.fma(dtX0, gradH1.fma(dtX1, fromMemorySegment(SPECIES, ALL, gradB + sum, ORDER)))
                    .intoMemorySegment(ALL, gradB + sum, ORDER);
            gradDtX0 = gradH0.fma(b, gradDtX0);
            gradDtX1 = gradH1.fma(b, gradDtX1);
            var carry0 = gradH0.mul(fromMemorySegment(SPECIES, ALL, decay + at, ORDER));
            var carry1 = gradH1.mul(fromMemorySegment(SPECIES, ALL, decay + at + STEP, ORDER));
            carry0.intoMemorySegment(ALL, carry + at, ORDER);
            carry1.intoMemorySegment(ALL, carry + at + STEP, ORDER);
            var q0 = carry0.mul(fromMemorySegment(SPECIES, ALL, before + at, ORDER));
            var q1 = carry1.mul(fromMemorySegment(SPECIES, ALL, before + at + STEP, ORDER));
            q0.fma(dt0, fromMemorySegment(SPECIES, ALL, gradRate + at, ORDER))
                    .intoMemorySegment(ALL, gradRate + at, ORDER);
            q1.fma(dt1, fromMemorySegment(SPECIES, ALL, gradRate + at + STEP, ORDER))
                    .intoMemorySegment(ALL, gradRate + at + STEP, ORDER);
            gradDecay0 = q0.fma(fromMemorySegment(SPECIES, ALL, rate + at, ORDER), gradDecay0);
            gradDecay1 = q1.fma(fromMemorySegment(SPECIES, ALL, rate + at + STEP, ORDER), gradDecay1);
        }
        gradDtX0.intoMemorySegment(ALL, gradDtX, ORDER);
        gradDtX1.intoMemorySegment(ALL, gradDtX + STEP, ORDER);
        gradDecay0.intoMemorySegment(ALL, gradDecay, ORDER);
        gradDecay1.intoMemorySegment(ALL, gradDecay + STEP, ORDER);
    }
}
