package org.mixtureofmamba.core.model;

import java.util.HashMap;
import java.util.Map;

/**
 * A whole Mixture-of-Mamba, forward and backward, in scalar arithmetic of which every operation passes through a counter. One
 * sequence, one document, a loss on every token. It knows nothing of {@link ModelFlops}.
 */
final class CountedModel {
    private final ModelConfig config;
    private final Map<String, double[]> weights;
    private final Map<String, double[]> gradients = new HashMap<>();
    private final int[] modality;
    private final int tokens;
    private long operations;

    /** What backward needs of a block. */
    private record Saved(
            double[][] xhat,
            double[] r,
            double[][] u,
            double[][] xz,
            Silu conv,
            double[][] dbc,
            double[][] exps,
            double[][] dt,
            double[][][] states,
            double[][][] decays,
            double[][] matA,
            double[][] dtx,
            double[][] y,
            Silu gate,
            double[][] gated) {}

    /** s = sigmoid(x) and x·s. */
    private record Silu(double[][] s, double[][] value) {}

    /** @param weights by official name, each flat */
    CountedModel(ModelConfig config, Map<String, double[]> weights, int[] modality) {
        this.config = config;
        this.weights = weights;
        this.modality = modality;
        this.tokens = modality.length;
        weights.forEach((name, values) -> gradients.put(name, new double[values.length]));
    }

    double[] gradient(String name) {
        return gradients.get(name);
    }

    /**
     * Runs both passes.
     *
     * @return the sum of the losses and, by counting, what each pass did
     */
    Result run(int[] inputs, int[] targets, double scale) {
        int width = config.dModel();
        int vocabulary = config.vocabulary();
        var x = new double[tokens][width];
        for (int t = 0; t < tokens; t++) {
            System.arraycopy(weights.get("backbone.embedding.weight"), inputs[t] * width, x[t], 0, width);
        }
        var saved = new Saved[config.blocks()];
        for (int i = 0; i < config.blocks(); i++) {
            saved[i] = block("backbone.layers." + i + ".", x);
        }
        var xhat = new double[tokens][width];
        var r = new double[tokens];
        var u = norm("backbone.norm_f.weight", x, xhat, r);
        var logits = linear("lm_head", u, vocabulary, false);
        double loss = 0;
        var exps = new double[tokens][vocabulary];
        var sums = new double[tokens];
        for (int t = 0; t < tokens; t++) {
            double largest = Double.NEGATIVE_INFINITY;
            for (double logit : logits[t]) {
                largest = Math.max(largest, logit);
            }
            double chosen = 0;
            for (int v = 0; v < vocabulary; v++) {
                double shifted = sub(logits[t][v], largest);
                chosen = v == targets[t] ? shifted : chosen;
                exps[t][v] = exp(shifted);
                sums[t] = add(sums[t], exps[t][v]);
            }
            loss = add(loss, sub(log(sums[t]), chosen));
        }
        long forward = operations;

        var gradLogits = new double[tokens][vocabulary];
        for (int t = 0; t < tokens; t++) {
            for (int v = 0; v < vocabulary; v++) {
                double p = div(exps[t][v], sums[t]);
                gradLogits[t][v] = mul(v == targets[t] ? sub(p, 1) : p, scale);
            }
        }
        var gradU = new double[tokens][width];
        linearBackward("lm_head", u, gradLogits, gradU, false);
        var grad = normBackward("backbone.norm_f.weight", gradU, xhat, r);
        for (int i = config.blocks() - 1; i >= 0; i--) {
            blockBackward("backbone.layers." + i + ".", saved[i], grad);
        }
        var gradTable = gradients.get("backbone.embedding.weight");
        for (int t = 0; t < tokens; t++) {
            for (int d = 0; d < width; d++) {
                int place = inputs[t] * width + d;
                gradTable[place] = add(gradTable[place], grad[t][d]);
            }
        }
        return new Result(loss, new FlopCount(forward, operations - forward));
    }

    record Result(double loss, FlopCount count) {}

    /** Adds the mixer's output to x. */
    private Saved block(String name, double[][] x) {
        int inner = config.dInner();
        int rank = config.dtRank();
        int state = config.dState();
        var xhat = new double[tokens][config.dModel()];
        var r = new double[tokens];
        var u = norm(name + "norm.weight", x, xhat, r);
        var xz = linear(name + "mixer.local_experts_in_proj", u, 2 * inner, true);
        var x2 = silu(conv(name + "mixer.conv1d", xz));
        var dbc = linear(name + "mixer.local_experts_x_proj", x2.value(), rank + 2 * state, true);
        var v = linear(name + "mixer.local_experts_dt_proj", columns(dbc, 0, rank), inner, true);
        var exps = new double[tokens][inner];
        var dt = new double[tokens][inner];
        for (int t = 0; t < tokens; t++) {
            var bias = weights.get(name + "mixer.local_experts_dt_proj." + modality[t] + ".bias");
            for (int e = 0; e < inner; e++) {
                exps[t][e] = exp(add(v[t][e], bias[e]));
                dt[t][e] = log(add(1, exps[t][e]));
            }
        }
        var matA = new double[inner][state];
        for (int e = 0; e < inner; e++) {
            for (int n = 0; n < state; n++) {
                matA[e][n] = -exp(weights.get(name + "mixer.A_log")[e * state + n]);
            }
        }
        var states = new double[tokens + 1][inner][state];
        var decays = new double[tokens][inner][state];
        var dtx = new double[tokens][inner];
        var y = new double[tokens][inner];
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < inner; e++) {
                dtx[t][e] = mul(dt[t][e], x2.value()[t][e]);
                double sum = mul(weights.get(name + "mixer.D")[e], x2.value()[t][e]);
                double read = 0;
                for (int n = 0; n < state; n++) {
                    decays[t][e][n] = exp(mul(dt[t][e], matA[e][n]));
                    double written = mul(dtx[t][e], dbc[t][rank + n]);
                    states[t + 1][e][n] = add(mul(decays[t][e][n], states[t][e][n]), written);
                    read = add(read, mul(dbc[t][rank + state + n], states[t + 1][e][n]));
                }
                y[t][e] = add(read, sum);
            }
        }
        var gate = silu(columns(xz, inner, 2 * inner));
        var gated = new double[tokens][inner];
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < inner; e++) {
                gated[t][e] = mul(y[t][e], gate.value()[t][e]);
            }
        }
        var out = linear(name + "mixer.local_experts_out_proj", gated, config.dModel(), true);
        for (int t = 0; t < tokens; t++) {
            for (int d = 0; d < config.dModel(); d++) {
                x[t][d] = add(x[t][d], out[t][d]);
            }
        }
        return new Saved(xhat, r, u, xz, x2, dbc, exps, dt, states, decays, matA, dtx, y, gate, gated);
    }

    /** Turns the gradient of a block's output into that of its input. */
    private void blockBackward(String name, Saved saved, double[][] grad) {
        int inner = config.dInner();
        int rank = config.dtRank();
        int state = config.dState();
        var gradGated = new double[tokens][inner];
        linearBackward(name + "mixer.local_experts_out_proj", saved.gated(), grad, gradGated, true);

        var gradY = new double[tokens][inner];
        var gradXz = new double[tokens][2 * inner];
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < inner; e++) {
                gradY[t][e] = mul(gradGated[t][e], saved.gate().value()[t][e]);
                double gradSilu = mul(gradGated[t][e], saved.y()[t][e]);
                gradXz[t][inner + e] = siluBackward(saved.gate(), t, e, gradSilu);
            }
        }

        var gradX = new double[tokens][inner];
        var gradDt = new double[tokens][inner];
        var gradDbc = new double[tokens][rank + 2 * state];
        scanBackward(name, saved, gradY, gradX, gradDt, gradDbc);

        var gradV = new double[tokens][inner];
        for (int t = 0; t < tokens; t++) {
            var gradBias = gradients.get(name + "mixer.local_experts_dt_proj." + modality[t] + ".bias");
            for (int e = 0; e < inner; e++) {
                // 1 + exp is forward's; adding it here again is not counted.
                gradV[t][e] = mul(gradDt[t][e], div(saved.exps()[t][e], 1 + saved.exps()[t][e]));
                gradBias[e] = add(gradBias[e], gradV[t][e]);
            }
        }
        var gradRank = new double[tokens][rank];
        linearBackward(name + "mixer.local_experts_dt_proj", columns(saved.dbc(), 0, rank), gradV, gradRank, true);
        for (int t = 0; t < tokens; t++) {
            System.arraycopy(gradRank[t], 0, gradDbc[t], 0, rank);
        }
        linearBackward(name + "mixer.local_experts_x_proj", saved.conv().value(), gradDbc, gradX, true);
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < inner; e++) {
                gradX[t][e] = siluBackward(saved.conv(), t, e, gradX[t][e]);
            }
        }
        convBackward(name + "mixer.conv1d", saved.xz(), gradX, gradXz);
        var gradU = new double[tokens][config.dModel()];
        linearBackward(name + "mixer.local_experts_in_proj", saved.u(), gradXz, gradU, true);
        var through = normBackward(name + "norm.weight", gradU, saved.xhat(), saved.r());
        for (int t = 0; t < tokens; t++) {
            for (int d = 0; d < config.dModel(); d++) {
                grad[t][d] = add(grad[t][d], through[t][d]);
            }
        }
    }

    private void scanBackward(
            String name, Saved saved, double[][] gradY, double[][] gradX, double[][] gradDt, double[][] gradDbc) {
        int inner = config.dInner();
        int rank = config.dtRank();
        int state = config.dState();
        var next = new double[inner][state];
        var gradA = new double[inner][state];
        var gradD = gradients.get(name + "mixer.D");
        for (int t = tokens - 1; t >= 0; t--) {
            for (int e = 0; e < inner; e++) {
                double g = gradY[t][e];
                double gradDtx = 0;
                for (int n = 0; n < state; n++) {
                    int b = rank + n;
                    int c = rank + state + n;
                    double gradH = add(next[e][n], mul(saved.dbc()[t][c], g));
                    gradDbc[t][c] = add(gradDbc[t][c], mul(g, saved.states()[t + 1][e][n]));
                    gradDbc[t][b] = add(gradDbc[t][b], mul(gradH, saved.dtx()[t][e]));
                    gradDtx = add(gradDtx, mul(gradH, saved.dbc()[t][b]));
                    next[e][n] = mul(saved.decays()[t][e][n], gradH);
                    double q = mul(mul(gradH, saved.states()[t][e][n]), saved.decays()[t][e][n]);
                    gradA[e][n] = add(gradA[e][n], mul(q, saved.dt()[t][e]));
                    gradDt[t][e] = add(gradDt[t][e], mul(q, saved.matA()[e][n]));
                }
                double x = saved.conv().value()[t][e];
                gradX[t][e] = add(mul(gradDtx, saved.dt()[t][e]), mul(weights.get(name + "mixer.D")[e], g));
                gradDt[t][e] = add(gradDt[t][e], mul(gradDtx, x));
                gradD[e] = add(gradD[e], mul(g, x));
            }
        }
        for (int e = 0; e < inner; e++) {
            for (int n = 0; n < state; n++) {
                gradients.get(name + "mixer.A_log")[e * state + n] = mul(gradA[e][n], saved.matA()[e][n]);
            }
        }
    }

    private double[][] norm(String name, double[][] x, double[][] xhat, double[] r) {
        int width = x[0].length;
        var u = new double[tokens][width];
        for (int t = 0; t < tokens; t++) {
            double squares = 0;
            for (double value : x[t]) {
                squares = add(squares, mul(value, value));
            }
            r[t] = div(1, sqrt(add(div(squares, width), config.normEpsilon())));
            for (int d = 0; d < width; d++) {
                xhat[t][d] = mul(x[t][d], r[t]);
                u[t][d] = mul(xhat[t][d], weights.get(name)[d]);
            }
        }
        return u;
    }

    private double[][] normBackward(String name, double[][] gradU, double[][] xhat, double[] r) {
        int width = xhat[0].length;
        var gradWeight = gradients.get(name);
        var gradX = new double[tokens][width];
        for (int t = 0; t < tokens; t++) {
            var gradXhat = new double[width];
            double product = 0;
            for (int d = 0; d < width; d++) {
                gradXhat[d] = mul(gradU[t][d], weights.get(name)[d]);
                gradWeight[d] = add(gradWeight[d], mul(gradU[t][d], xhat[t][d]));
                product = add(product, mul(gradXhat[d], xhat[t][d]));
            }
            double mean = div(product, width);
            for (int d = 0; d < width; d++) {
                gradX[t][d] = mul(r[t], sub(gradXhat[d], mul(xhat[t][d], mean)));
            }
        }
        return gradX;
    }

    private double[] weight(String name, int token, boolean split) {
        return weights.get(name + (split ? "." + modality[token] : "") + ".weight");
    }

    private double[][] linear(String name, double[][] x, int out, boolean split) {
        var y = new double[tokens][out];
        for (int t = 0; t < tokens; t++) {
            var w = weight(name, t, split);
            for (int o = 0; o < out; o++) {
                for (int i = 0; i < x[t].length; i++) {
                    y[t][o] = add(y[t][o], mul(w[o * x[t].length + i], x[t][i]));
                }
            }
        }
        return y;
    }

    /** Adds to gradX. */
    private void linearBackward(String name, double[][] x, double[][] gradY, double[][] gradX, boolean split) {
        for (int t = 0; t < tokens; t++) {
            int in = x[t].length;
            var w = weight(name, t, split);
            var gradW = gradients.get(name + (split ? "." + modality[t] : "") + ".weight");
            for (int o = 0; o < gradY[t].length; o++) {
                for (int i = 0; i < in; i++) {
                    gradX[t][i] = add(gradX[t][i], mul(w[o * in + i], gradY[t][o]));
                    gradW[o * in + i] = add(gradW[o * in + i], mul(gradY[t][o], x[t][i]));
                }
            }
        }
    }

    private double[][] conv(String name, double[][] xz) {
        int inner = config.dInner();
        int taps = config.dConv();
        var y = new double[tokens][inner];
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < inner; e++) {
                y[t][e] = weights.get(name + ".bias")[e];
                for (int k = 0; k < taps; k++) {
                    int from = t - (taps - 1) + k;
                    double x = from < 0 ? 0 : xz[from][e];
                    y[t][e] = add(y[t][e], mul(weights.get(name + ".weight")[e * taps + k], x));
                }
            }
        }
        return y;
    }

    private void convBackward(String name, double[][] xz, double[][] gradY, double[][] gradXz) {
        int taps = config.dConv();
        var gradWeight = gradients.get(name + ".weight");
        var gradBias = gradients.get(name + ".bias");
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < config.dInner(); e++) {
                gradBias[e] = add(gradBias[e], gradY[t][e]);
                for (int k = 0; k < taps; k++) {
                    int from = t - (taps - 1) + k;
                    int w = e * taps + k;
                    double x = from < 0 ? 0 : xz[from][e];
                    gradWeight[w] = add(gradWeight[w], mul(gradY[t][e], x));
                    double reached =
                            add(from < 0 ? 0 : gradXz[from][e], mul(gradY[t][e], weights.get(name + ".weight")[w]));
                    if (from >= 0) {
                        gradXz[from][e] = reached;
                    }
                }
            }
        }
    }

    private Silu silu(double[][] x) {
        var s = new double[tokens][x[0].length];
        var value = new double[tokens][x[0].length];
        for (int t = 0; t < tokens; t++) {
            for (int e = 0; e < x[t].length; e++) {
                s[t][e] = div(1, add(1, exp(-x[t][e])));
                value[t][e] = mul(x[t][e], s[t][e]);
            }
        }
        return new Silu(s, value);
    }

    private double siluBackward(Silu silu, int t, int e, double grad) {
        double s = silu.s()[t][e];
        return mul(grad, add(s, mul(silu.value()[t][e], sub(1, s))));
    }

    private static double[][] columns(double[][] x, int from, int to) {
        var part = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            part[t] = java.util.Arrays.copyOfRange(x[t], from, to);
        }
        return part;
    }

    private double add(double a, double b) {
        operations++;
        return a + b;
    }

    private double sub(double a, double b) {
        operations++;
        return a - b;
    }

    private double mul(double a, double b) {
        operations++;
        return a * b;
    }

    private double div(double a, double b) {
        operations++;
        return a / b;
    }

    private double exp(double a) {
        operations++;
        return Math.exp(a);
    }

    private double log(double a) {
        operations++;
        return Math.log(a);
    }

    private double sqrt(double a) {
        operations++;
        return Math.sqrt(a);
    }
}
