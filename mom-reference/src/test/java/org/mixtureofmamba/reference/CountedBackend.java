package org.mixtureofmamba.reference;

import java.util.List;
import java.util.OptionalDouble;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.backend.PlacedBatch;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.StepSchedule.Span;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.backend.Update;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * A model's arithmetic, one number at a time, in float64, each operation counted as it is done. Written in scalars from
 * the formulas of {@link Backend}, sharing nothing with any other backend. What forward has computed and backward
 * computes again is done with the counter stopped, as {@link org.mixtureofmamba.core.nn.OperationFlops} has it; so is a
 * gradient that is moved to where there was none yet.
 */
final class CountedBackend implements Backend {
    private final HostMemory memory = new HostMemory();
    private final Workspace workspace = new Workspace(memory);
    private long count;
    private boolean stopped;

    /** The operations since the last call. */
    long takeCount() {
        long taken = count;
        count = 0;
        return taken;
    }

    private double counted(double result) {
        count += stopped ? 0 : 1;
        return result;
    }

    private double add(double a, double b) {
        return counted(a + b);
    }

    private double sub(double a, double b) {
        return counted(a - b);
    }

    private double mul(double a, double b) {
        return counted(a * b);
    }

    private double div(double a, double b) {
        return counted(a / b);
    }

    private double exp(double a) {
        return counted(Math.exp(a));
    }

    private double log(double a) {
        return counted(Math.log(a));
    }

    private double sqrt(double a) {
        return counted(Math.sqrt(a));
    }

    /** 1 / (1 + exp(-v)). */
    private double sigmoid(double v) {
        return div(1, add(1, exp(-v)));
    }

    /** g · (s + y · (1 - s)), y = v · s. */
    private double siluBackward(double g, double v) {
        stopped = true;
        double s = sigmoid(v);
        double y = mul(v, s);
        stopped = false;
        return mul(g, add(s, mul(y, sub(1, s))));
    }

    private void accumulate(Tensor sum, long row, long column, double addend) {
        sum.set(row, column, add(sum.get(row, column), addend));
    }

    /** Adds a gradient to another, if there is another. */
    private void meet(Tensor grad, long row, long column, double other) {
        double here = grad.get(row, column);
        grad.set(row, column, here == 0 ? other : add(here, other));
    }

    @Override
    public void embeddingForward(TokenIds tokenIds, Tensor table, Tensor out) {
        var ids = tokenIds.values();
        for (int t = 0; t < ids.size(); t++) {
            HostMemory.copyOnHost(table.rows((long) ids.get(0, t), (long) ids.get(0, t) + 1), out.rows(t, t + 1));
        }
    }

    @Override
    public void embeddingBackward(TokenIds tokenIds, Tensor gradOut, Tensor gradTable) {
        var ids = tokenIds.values();
        for (int t = 0; t < ids.size(); t++) {
            for (int d = 0; d < gradOut.columns(); d++) {
                accumulate(gradTable, (long) ids.get(0, t), d, gradOut.get(t, d));
            }
        }
    }

    @Override
    public void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        for (int t = 0; t < x.rows(); t++) {
            double squares = 0;
            for (int d = 0; d < x.columns(); d++) {
                squares = add(squares, mul(x.get(t, d), x.get(t, d)));
            }
            double r = div(1, sqrt(add(div(squares, x.columns()), epsilon)));
            inverseRms.set(0, t, r);
            for (int d = 0; d < x.columns(); d++) {
                out.set(t, d, mul(mul(x.get(t, d), r), weight.get(0, d)));
            }
        }
    }

    @Override
    public void rmsNormBackward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight, Write write) {
        begin(write, gradWeight);
        int width = x.columns();
        var gradNormed = new double[width];
        for (int t = 0; t < x.rows(); t++) {
            double r = inverseRms.get(0, t);
            double along = 0;
            for (int d = 0; d < width; d++) {
                double normed = x.get(t, d) * r;
                gradNormed[d] = mul(gradOut.get(t, d), weight.get(0, d));
                accumulate(gradWeight, 0, d, mul(gradOut.get(t, d), normed));
                along = add(along, mul(gradNormed[d], normed));
            }
            double mean = div(along, width);
            for (int d = 0; d < width; d++) {
                meet(gradX, t, d, mul(r, sub(gradNormed[d], mul(x.get(t, d) * r, mean))));
            }
        }
    }

    @Override
    public void linearForward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        for (int t = 0; t < x.rows(); t++) {
            var weight = weights.get(slabs.slabOf(t));
            for (int o = 0; o < out.columns(); o++) {
                double sum = 0;
                for (int i = 0; i < x.columns(); i++) {
                    sum = add(sum, mul(x.get(t, i), weight.get(o, i)));
                }
                out.set(t, o, sum);
            }
        }
    }

    @Override
    public void linearForwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        var before = residual.toDoubles();
        linearForward(x, weights, slabs, out);
        for (int i = 0; i < before.length; i++) {
            accumulate(out, i / out.columns(), i % out.columns(), before[i]);
        }
    }

    @Override
    public void linearBackward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights,
            Write writeWeights) {
        begin(writeX, gradX);
        gradWeights.forEach(gradWeight -> begin(writeWeights, gradWeight));
        for (int t = 0; t < x.rows(); t++) {
            int slab = slabs.slabOf(t);
            for (int o = 0; o < gradOut.columns(); o++) {
                for (int i = 0; i < x.columns(); i++) {
                    accumulate(
                            gradX,
                            t,
                            i,
                            mul(gradOut.get(t, o), weights.get(slab).get(o, i)));
                    accumulate(gradWeights.get(slab), o, i, mul(gradOut.get(t, o), x.get(t, i)));
                }
            }
        }
    }

    private static void begin(Write write, Tensor gradient) {
        if (write == Write.OVERWRITE) {
            fillRows(gradient);
        }
    }

    private static void fillRows(Tensor tensor) {
        for (int row = 0; row < tensor.rows(); row++) {
            for (int column = 0; column < tensor.columns(); column++) {
                tensor.set(row, column, 0);
            }
        }
    }

    /** The rows that the taps of token (b, l) read, -1 before the start of its document. */
    private static int[] tapRows(ModalityLayout layout, int b, int l, int kernel) {
        var rows = new int[kernel];
        boolean before = false;
        for (int k = kernel - 1; k >= 0; k--) {
            int source = l - (kernel - 1) + k;
            rows[k] = before || source < 0 ? -1 : row(layout, b, source);
            before |= source <= 0 || layout.documentStart().get(b, source) != 0;
        }
        return rows;
    }

    private static int row(ModalityLayout layout, int b, int l) {
        return (int) layout.rowOf().get(b, l);
    }

    private double convSum(Tensor x, Tensor weight, Tensor bias, int[] taps, int e) {
        double sum = bias.get(0, e);
        for (int k = 0; k < taps.length; k++) {
            sum = add(sum, mul(taps[k] < 0 ? 0 : x.get(taps[k], e), weight.get(e, k)));
        }
        return sum;
    }

    @Override
    public void causalConvForward(
            Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Carry carry, Tensor out) {
        for (int b = 0; b < layout.batch(); b++) {
            for (int l = 0; l < layout.length(); l++) {
                var taps = tapRows(layout, b, l, weight.columns());
                for (int e = 0; e < x.columns(); e++) {
                    double sum = convSum(x, weight, bias, taps, e);
                    out.set(row(layout, b, l), e, mul(sum, sigmoid(sum)));
                }
            }
        }
    }

    @Override
    public void causalConvBackward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Carry carry,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias,
            Write write,
            Carry gradCarry) {
        fillRows(gradX);
        begin(write, gradWeight);
        begin(write, gradBias);
        for (int b = 0; b < layout.batch(); b++) {
            for (int l = 0; l < layout.length(); l++) {
                var taps = tapRows(layout, b, l, weight.columns());
                for (int e = 0; e < x.columns(); e++) {
                    stopped = true;
                    double sum = convSum(x, weight, bias, taps, e);
                    stopped = false;
                    double grad = siluBackward(gradOut.get(row(layout, b, l), e), sum);
                    accumulate(gradBias, 0, e, grad);
                    for (int k = 0; k < taps.length; k++) {
                        double value = taps[k] < 0 ? 0 : x.get(taps[k], e);
                        accumulate(gradWeight, e, k, mul(grad, value));
                        double gradValue = mul(grad, weight.get(e, k));
                        double sumOfGrads = add(taps[k] < 0 ? 0 : gradX.get(taps[k], e), gradValue);
                        if (taps[k] >= 0) {
                            gradX.set(taps[k], e, sumOfGrads);
                        }
                    }
                }
            }
        }
    }

    private static Tensor biasOf(List<Tensor> biases, ModalityLayout layout, int row) {
        return biases.get(layout.slabsFor(biases.size()).slabOf(row));
    }

    private double[][] matA(Tensor logA) {
        var matA = new double[(int) logA.rows()][logA.columns()];
        for (int e = 0; e < matA.length; e++) {
            for (int n = 0; n < matA[e].length; n++) {
                matA[e][n] = -exp(logA.get(e, n));
            }
        }
        return matA;
    }

    /** Keeps each token's h [E·N], exp(dt·A) [E·N] and h·C + D·x [E], dt [E]. */
    @Override
    public Tensor selectiveScanForward(ScanInputs in, ModalityLayout layout, Carry carry, Tensor y) {
        int inner = in.x().columns();
        int state = in.logA().columns();
        var kept = workspace.tensor(DType.FLOAT64, layout.tokens(), 2L * inner * state + 2L * inner);
        var matA = matA(in.logA());
        for (int b = 0; b < layout.batch(); b++) {
            for (int l = 0; l < layout.length(); l++) {
                int row = row(layout, b, l);
                boolean first = l == 0 || layout.documentStart().get(b, l) != 0;
                for (int e = 0; e < inner; e++) {
                    double biased = add(
                            in.dt().get(row, e),
                            biasOf(in.dtBias(), layout, row).get(0, e));
                    double dt = log(add(1, exp(biased)));
                    double driven = mul(dt, in.x().get(row, e));
                    double out = 0;
                    for (int n = 0; n < state; n++) {
                        int i = e * state + n;
                        double decay = exp(mul(dt, matA[e][n]));
                        double before = first ? 0 : kept.get(row(layout, b, l - 1), i);
                        double h = add(mul(decay, before), mul(driven, in.matB().get(row, n)));
                        out = add(out, mul(in.matC().get(row, n), h));
                        kept.set(row, i, h);
                        kept.set(row, inner * state + i, decay);
                    }
                    out = add(out, mul(in.skipD().get(0, e), in.x().get(row, e)));
                    kept.set(row, 2L * inner * state + e, out);
                    kept.set(row, 2L * inner * state + inner + e, dt);
                    double z = in.z().get(row, e);
                    y.set(row, e, mul(out, mul(z, sigmoid(z))));
                }
            }
        }
        return kept;
    }

    @Override
    public void selectiveScanBackward(
            Tensor gradY,
            ScanInputs in,
            ModalityLayout layout,
            Carry carry,
            Tensor y,
            Tensor kept,
            ScanGradients out,
            Write write,
            Carry gradCarry) {
        out.dtBias().forEach(bias -> begin(write, bias));
        begin(write, out.logA());
        begin(write, out.skipD());
        int inner = in.x().columns();
        int state = in.logA().columns();
        stopped = true;
        var matA = matA(in.logA());
        stopped = false;
        var gradA = new double[inner][state];
        fillRows(out.matB());
        fillRows(out.matC());
        for (int b = 0; b < layout.batch(); b++) {
            var next = new double[inner][state]; // exp(dt·A) of the token after, times its gradH
            for (int l = layout.length() - 1; l >= 0; l--) {
                int row = row(layout, b, l);
                boolean first = l == 0 || layout.documentStart().get(b, l) != 0;
                for (int e = 0; e < inner; e++) {
                    double z = in.z().get(row, e);
                    double x = in.x().get(row, e);
                    double dt = kept.get(row, 2L * inner * state + inner + e);
                    double driven = dt * x;
                    double siluZ = z / (1 + Math.exp(-z));
                    double gradGate = mul(gradY.get(row, e), kept.get(row, 2L * inner * state + e));
                    out.z().set(row, e, siluBackward(gradGate, z));
                    double g = mul(gradY.get(row, e), siluZ);

                    double gradDriven = 0;
                    double gradDt = 0;
                    for (int n = 0; n < state; n++) {
                        int i = e * state + n;
                        double decay = kept.get(row, inner * state + i);
                        double before = first ? 0 : kept.get(row(layout, b, l - 1), i);
                        double gradH = add(next[e][n], mul(in.matC().get(row, n), g));
                        accumulate(out.matC(), row, n, mul(g, kept.get(row, i)));
                        accumulate(out.matB(), row, n, mul(gradH, driven));
                        gradDriven = add(gradDriven, mul(gradH, in.matB().get(row, n)));
                        double q = mul(mul(gradH, before), decay);
                        gradA[e][n] = add(gradA[e][n], mul(q, dt));
                        gradDt = add(gradDt, mul(q, matA[e][n]));
                        double passed = mul(decay, gradH);
                        next[e][n] = first ? 0 : passed;
                    }
                    out.x().set(row, e, add(mul(gradDriven, dt), mul(in.skipD().get(0, e), g)));
                    gradDt = add(gradDt, mul(gradDriven, x));
                    accumulate(out.skipD(), 0, e, mul(g, x));

                    double ofBiased = Math.exp(in.dt().get(row, e)
                            + biasOf(in.dtBias(), layout, row).get(0, e));
                    double gradBiased = div(mul(gradDt, ofBiased), 1 + ofBiased);
                    out.dt().set(row, e, gradBiased);
                    accumulate(biasOf(out.dtBias(), layout, row), 0, e, gradBiased);
                }
            }
        }
        for (int e = 0; e < inner; e++) {
            for (int n = 0; n < state; n++) {
                meet(out.logA(), e, n, mul(gradA[e][n], matA[e][n]));
            }
        }
    }

    @Override
    public void crossEntropyForward(Tensor x, Tensor head, TokenIds targets, Tensor targetModality, Tensor lossSums) {
        var logits = workspace.tensor(DType.FLOAT64, x.rows(), head.rows());
        linearForward(x, List.of(head), new Slabs(0, (int) x.rows()), logits);
        exponentials(logits, targets.values(), targetModality, lossSums);
    }

    /** Turns logits into exp(logit - largest) and returns their sums [T]. */
    private double[] exponentials(Tensor logits, Tensor targets, Tensor targetModality, Tensor lossSums) {
        var sums = new double[(int) logits.rows()];
        for (int t = 0; t < sums.length; t++) {
            double largest = Double.NEGATIVE_INFINITY;
            for (int v = 0; v < logits.columns(); v++) {
                largest = Math.max(largest, logits.get(t, v));
            }
            double ofTarget = 0;
            for (int v = 0; v < logits.columns(); v++) {
                double shifted = sub(logits.get(t, v), largest);
                ofTarget = v == (int) targets.get(0, t) ? shifted : ofTarget;
                double power = exp(shifted);
                sums[t] = add(sums[t], power);
                logits.set(t, v, power);
            }
            accumulate(lossSums, 0, (long) targetModality.get(0, t), sub(log(sums[t]), ofTarget));
        }
        return sums;
    }

    @Override
    public void crossEntropyForwardBackward(
            Tensor x,
            Tensor head,
            TokenIds targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead,
            Write write) {
        var slabs = new Slabs(0, (int) x.rows());
        var logits = workspace.tensor(DType.FLOAT64, x.rows(), head.rows());
        linearForward(x, List.of(head), slabs, logits);
        var sums = exponentials(logits, targets.values(), targetModality, lossSums);
        for (int t = 0; t < sums.length; t++) {
            for (int v = 0; v < logits.columns(); v++) {
                double probability = div(logits.get(t, v), sums[t]);
                double grad = v == (int) targets.values().get(0, t) ? sub(probability, 1) : probability;
                logits.set(t, v, mul(grad, scale));
            }
        }
        linearBackward(logits, x, List.of(head), slabs, gradX, Write.OVERWRITE, List.of(gradHead), write);
    }

    @Override
    public String name() {
        return "counted";
    }

    @Override
    public DType dtype() {
        return DType.FLOAT64;
    }

    @Override
    public DType accumulationType() {
        return DType.FLOAT64;
    }

    @Override
    public Memory memory() {
        return memory;
    }

    @Override
    public Workspace workspace() {
        return workspace;
    }

    @Override
    public PlacedBatch place(TokenBatch batch) {
        return PlacedBatch.at(batch);
    }

    @Override
    public OptionalDouble peakFlopsPerSecond() {
        return OptionalDouble.empty();
    }

    @Override
    public void gatedGatherForward(Tensor y, Tensor rows, Tensor gates, Tensor residual, Tensor out) {
        throw new UnsupportedOperationException("a routed model is not counted");
    }

    @Override
    public void gatedGatherBackward(
            Tensor gradOut, Tensor y, Tensor rows, Tensor gates, Tensor gradY, Tensor gradGates) {
        throw new UnsupportedOperationException("a routed model is not counted");
    }

    @Override
    public void squaredNorm(Tensor values, Tensor out) {
        throw new UnsupportedOperationException("the optimizer is no part of a model's count");
    }

    @Override
    public void adamW(AdamW settings, TrainedBuffers buffers) {
        throw new UnsupportedOperationException("the optimizer is no part of a model's count");
    }

    @Override
    public Update updates(TrainedBuffers buffers, List<Span> parts) {
        throw new UnsupportedOperationException("the optimizer is no part of a model's count");
    }

    @Override
    public void synchronize() {}

    @Override
    public void close() {
        workspace.close();
        memory.close();
    }
}
