package org.mixtureofmamba.core.nn;

/**
 * Floating-point operations of what blocks and objectives are made of, forward and backward; a model's are the sum of
 * its parts'. A Mixture-of-Mamba sends each token through one weight set, so its token costs exactly what a dense
 * model's token costs, and one count serves both.
 *
 * <p><b>What counts.</b> Each addition, subtraction, multiplication, division, exponential, logarithm and square root
 * is 1; a sum of n terms is n additions (its accumulator starts at zero or at a bias), so a multiply-add is 2.
 * Negation, comparison, selection, rounding and moving data are 0. Backward counts each gradient's own operations, its
 * accumulation included; it does not count again what forward has computed, whether an implementation keeps that or
 * computes it anew: these are the operations of the model, not of one machine. The optimizer is no part of them. Taps
 * of the convolution that reach before a document's start, and the state's decay at its first token, are counted like
 * any other: the count of a batch depends on its number of tokens alone. A test counts a whole model operation by
 * operation and finds this formula exact.
 *
 * <p><b>The scan</b> is counted as the recurrence it is: 7 operations forward and 15 backward for each channel and
 * state. The customary 9 forward (27 with the factor 3) is that of a parallel prefix scan, whose extra work is the
 * machine's affair. Linear layers make backward exactly twice forward; the rule of three is thus a result here for the
 * largest terms, and nowhere an assumption.
 *
 * <p>One step fits in a long. A whole run may not (1.5e9 parameters, 2e6 tokens a step, 250,000 steps: 5e21), so a log
 * sums steps in a double.
 */
public final class OperationFlops {
    private OperationFlops() {}

    /** Rows copied out of the table; backward adds each row's gradient to its table row, D additions a token. */
    public static FlopCount embedding(long tokens, int width) {
        return new FlopCount(0, product(tokens, width));
    }

    /** {@code y = W x}, W [out, in]: 2·in·out a token; backward as much for each of gradX and gradW. */
    public static FlopCount linear(long tokens, int in, int out) {
        long forward = product(2, tokens, in, out);
        return new FlopCount(forward, product(2, forward));
    }

    /**
     * {@code y = x · r · w}, {@code r = 1 / sqrt(mean(x²) + eps)}. Forward: squares and their sum 2D, r 4, two products
     * 2D. Backward, xhat = x·r: gradXhat = g·w D, gradW 2D, c = mean(gradXhat·xhat) 2D + 1, gradX = r·(gradXhat -
     * xhat·c) 3D.
     */
    public static FlopCount rmsNorm(long tokens, int width) {
        return new FlopCount(product(tokens, 4L * width + 4), product(tokens, 8L * width + 1));
    }

    /**
     * Causal depthwise convolution with bias over K taps: 2K a channel, the bias being the accumulator's start;
     * backward gradX 2K, gradW 2K, gradBias 1.
     */
    public static FlopCount conv(long tokens, int channels, int taps) {
        return new FlopCount(product(tokens, channels, 2L * taps), product(tokens, channels, 4L * taps + 1));
    }

    /**
     * {@code y = x·s}, {@code s = 1 / (1 + exp(-x))}: exp, add, divide, multiply; backward {@code g·(s + y·(1 - s))}:
     * 4.
     */
    public static FlopCount silu(long tokens, int channels) {
        return new FlopCount(product(4, tokens, channels), product(4, tokens, channels));
    }

    /** {@code dt = log(1 + exp(v + b))}: 4; backward gradV = g·e / (1 + e) 2, gradB 1. */
    public static FlopCount biasSoftplus(long tokens, int channels) {
        return new FlopCount(product(4, tokens, channels), product(3, tokens, channels));
    }

    /**
     * {@code h = exp(dt·A) h + (dt·x) B}, {@code y = C·h + D·x}, with {@code A = -exp(A_log)} once a batch.
     *
     * <p>Forward, per channel and state: dt·A, exp, ·h, (dt·x)·B, add, C·h, sum: 7; per channel dt·x, D·x, add: 3; per
     * batch E·N for A. Backward, per channel and state: gradH = gradNext + C·g 2, gradC 2, gradB 2, grad(dt·x) 2, q =
     * gradH·h·a 2, gradA 2, gradDt 2, gradNext = a·gradH 1: 15; per channel gradX = grad(dt·x)·dt + D·g 3, gradDt 2,
     * gradD 2: 7; per batch E·N for gradA_log.
     */
    public static FlopCount scan(long tokens, int channels, int states) {
        long once = product(channels, states);
        return new FlopCount(
                Math.addExact(product(tokens, channels, 7L * states + 3), once),
                Math.addExact(product(tokens, channels, 15L * states + 7), once));
    }

    /** {@code y·SiLU(z)}: SiLU 4, product 1; backward gradY 1, grad SiLU 1 and through it 4. */
    public static FlopCount gate(long tokens, int channels) {
        return new FlopCount(product(5, tokens, channels), product(6, tokens, channels));
    }

    /** A softmax over few and the choice of its largest: subtract, exp, sum, divide: 4; backward p·(g - Σ p·g): 4. */
    public static FlopCount softmaxGate(long tokens, int experts) {
        return new FlopCount(product(4, tokens, experts), product(4, tokens, experts));
    }

    /**
     * {@code gate·y}: 1 an element, the residual's addition being counted with the mixer; backward gradY 1, gradGate 2.
     */
    public static FlopCount gatedGather(long tokens, int width) {
        return new FlopCount(product(tokens, width), product(3, tokens, width));
    }

    /** {@code x + f(x)}: one addition an element, and one for the gradients that meet. */
    public static FlopCount residual(long tokens, int width) {
        return new FlopCount(product(tokens, width), product(tokens, width));
    }

    /**
     * {@code log(sum(exp(l - max))) - (l[target] - max)}: 3V + 3 with the sum over tokens (log, subtract, sum);
     * backward {@code (softmax - onehot)·scale}: 2V + 1.
     */
    public static FlopCount crossEntropy(long tokens, int vocabulary) {
        return new FlopCount(product(tokens, 3L * vocabulary + 3), product(tokens, 2L * vocabulary + 1));
    }

    private static long product(long first, long... others) {
        long result = first;
        for (long factor : others) {
            result = Math.multiplyExact(result, factor);
        }
        return result;
    }
}
