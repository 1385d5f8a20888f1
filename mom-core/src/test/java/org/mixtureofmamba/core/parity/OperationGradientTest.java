package org.mixtureofmamba.core.parity;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mixtureofmamba.core.parity.CentralDifference.assertGradient;
import static org.mixtureofmamba.core.parity.Draw.poison;
import static org.mixtureofmamba.core.parity.Draw.zeros;

/** Every operation's backward against differences of its forward, for every input, in float64; and what accumulates. */
class OperationGradientTest {
    private static Backend backend;

    private final Draw draw = new Draw(20260);

    @BeforeAll
    static void open() {
        backend = Backends.open("reference", BackendOptions.defaults());
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    /** Σ grad · out, the loss whose gradient with respect to out is grad. */
    private static double dot(Tensor grad, Tensor out) {
        double sum = 0;
        for (long row = 0; row < out.rows(); row++) {
            for (int column = 0; column < out.columns(); column++) {
                sum += grad.get(row, column) * out.get(row, column);
            }
        }
        return sum;
    }

    private static void assertDoubled(Tensor twice, double[] once) {
        var doubled = java.util.Arrays.stream(once).map(v -> 2 * v).toArray();
        var error = RelativeError.of("a gradient after two backwards", doubled, twice.toDoubles());
        assertThat(error.within(1e-14)).as(error.describe()).isTrue();
    }

    @Test
    void embedding() {
        var table = draw.normal(5, 3);
        var ids = Tensor.ofInts(4, 0, 4, 4, 1, 0, 2);
        var gradOut = draw.normal(7, 3);
        var gradTable = zeros(5, 3);
        DoubleSupplier loss = () -> {
            var out = poison(7, 3);
            backend.embeddingForward(ids, table, out);
            return dot(gradOut, out);
        };
        backend.embeddingBackward(ids, gradOut, gradTable);
        assertGradient("table", table, gradTable, loss);
        var once = gradTable.toDoubles();
        backend.embeddingBackward(ids, gradOut, gradTable);
        assertDoubled(gradTable, once);
    }

    @ParameterizedTest
    @EnumSource(Layouts.class)
    void rmsNorm(Layouts kind) {
        int tokens = kind.layout().tokens();
        var x = draw.normal(tokens, 5);
        var weight = draw.normal(5);
        var gradOut = draw.normal(tokens, 5);
        var inverseRms = poison(tokens);
        DoubleSupplier loss = () -> {
            var out = poison(tokens, 5);
            backend.rmsNormForward(x, weight, 1e-2, out, inverseRms);
            return dot(gradOut, out);
        };
        backend.rmsNormForward(x, weight, 1e-2, poison(tokens, 5), inverseRms);
        var kept = Tensor.ofDoubles(inverseRms.toDoubles());
        var gradX = zeros(tokens, 5);
        var gradWeight = zeros(5);
        backend.rmsNormBackward(gradOut, x, weight, kept, gradX, gradWeight);
        assertGradient("x", x, gradX, loss);
        assertGradient("weight", weight, gradWeight, loss);
        var onceX = gradX.toDoubles();
        var onceWeight = gradWeight.toDoubles();
        backend.rmsNormBackward(gradOut, x, weight, kept, gradX, gradWeight);
        assertDoubled(gradX, onceX);
        assertDoubled(gradWeight, onceWeight);
    }

    @ParameterizedTest
    @EnumSource(Layouts.class)
    void linear(Layouts kind) {
        for (boolean split : new boolean[] {false, true}) {
            var layout = kind.layout();
            linear(layout, layout.slabsFor(split ? layout.modalities() : 1));
        }
    }

    private void linear(ModalityLayout layout, Slabs slabs) {
        int tokens = layout.tokens();
        var x = draw.normal(tokens, 3);
        var residual = draw.normal(tokens, 4);
        var gradOut = draw.normal(tokens, 4);
        var weights = new ArrayList<Tensor>();
        var gradWeights = new ArrayList<Tensor>();
        for (int slab = 0; slab < slabs.count(); slab++) {
            weights.add(draw.normal(4, 3));
            gradWeights.add(zeros(4, 3));
        }
        DoubleSupplier loss = () -> {
            var out = poison(tokens, 4);
            backend.linearForward(x, weights, slabs, out);
            return dot(gradOut, out);
        };
        DoubleSupplier lossWithResidual = () -> {
            var out = poison(tokens, 4);
            backend.linearForwardAdd(x, weights, slabs, residual, out);
            return dot(gradOut, out);
        };
        var gradX = poison(tokens, 3);
        backend.linearBackward(gradOut, x, weights, slabs, gradX, Write.OVERWRITE, gradWeights);
        assertGradient("x", x, gradX, loss);
        assertGradient("x beside a residual", x, gradX, lossWithResidual);
        assertGradient("residual", residual, gradOut, lossWithResidual);
        var onceX = gradX.toDoubles();
        var once = gradWeights.stream().map(Tensor::toDoubles).toList();
        for (int slab = 0; slab < slabs.count(); slab++) {
            assertGradient("weight " + slab, weights.get(slab), gradWeights.get(slab), loss);
        }
        backend.linearBackward(gradOut, x, weights, slabs, gradX, Write.OVERWRITE, gradWeights);
        assertThat(gradX.toDoubles()).containsExactly(onceX);
        for (int slab = 0; slab < slabs.count(); slab++) {
            assertDoubled(gradWeights.get(slab), once.get(slab));
        }
        backend.linearBackward(gradOut, x, weights, slabs, gradX, Write.ADD, gradWeights);
        assertDoubled(gradX, onceX);
    }

    @ParameterizedTest
    @EnumSource(Layouts.class)
    void causalConv(Layouts kind) {
        var layout = kind.layout();
        int tokens = layout.tokens();
        for (int kernel : new int[] {1, 2, 4}) {
            var x = draw.normal(tokens, 3);
            var weight = draw.normal(3, 1, kernel);
            var bias = draw.normal(3);
            var gradOut = draw.normal(tokens, 3);
            DoubleSupplier loss = () -> {
                var out = poison(tokens, 3);
                backend.causalConvForward(x, weight, bias, layout, out);
                return dot(gradOut, out);
            };
            var gradX = poison(tokens, 3);
            var gradWeight = zeros(3, 1, kernel);
            var gradBias = zeros(3);
            backend.causalConvBackward(gradOut, x, weight, bias, layout, gradX, gradWeight, gradBias);
            assertGradient("x", x, gradX, loss);
            assertGradient("weight", weight, gradWeight, loss);
            assertGradient("bias", bias, gradBias, loss);
            var onceX = gradX.toDoubles();
            var onceWeight = gradWeight.toDoubles();
            var onceBias = gradBias.toDoubles();
            backend.causalConvBackward(gradOut, x, weight, bias, layout, gradX, gradWeight, gradBias);
            assertThat(gradX.toDoubles()).containsExactly(onceX);
            assertDoubled(gradWeight, onceWeight);
            assertDoubled(gradBias, onceBias);
        }
    }

    @ParameterizedTest
    @EnumSource(Layouts.class)
    void selectiveScan(Layouts kind) {
        var layout = kind.layout();
        selectiveScan(layout, 2, 3, layout.modalities());
    }

    /** The numbers that docs/selective-scan.md works out by hand. */
    @Test
    void selectiveScanOfTheWorkedExample() {
        var layout = ModalityLayout.of(1, 3, 1, new byte[3], new boolean[3]);
        double open = 1.2784645427610738; // SiLU(open) = 1
        var inputs = new ScanInputs(
                column(1, 0, 2),
                column(0, 0, 0), // softplus(0) = ln 2
                List.of(zeros(1)),
                zeros(1, 1),
                column(1, 1, 1),
                column(1, 1, 1),
                zeros(1),
                column(open, open, open));
        var y = poison(3, 1);
        var gradients = new ScanGradients(
                poison(3, 1),
                poison(3, 1),
                List.of(zeros(1)),
                zeros(1, 1),
                poison(3, 1),
                poison(3, 1),
                zeros(1),
                poison(3, 1));
        var mark = backend.workspace().mark();
        var states = backend.selectiveScanForward(inputs, layout, y);
        backend.selectiveScanBackward(column(0, 0, 1), inputs, layout, y, states, gradients);
        backend.workspace().release(mark);
        var precision = Offset.offset(5e-5);
        assertThat(y.toDoubles()).containsExactly(new double[] {0.6931, 0.3466, 1.5596}, precision);
        assertThat(gradients.x().toDoubles()).containsExactly(new double[] {0.1733, 0.3466, 0.6931}, precision);
        // The page has the gradient of the step size; half of it passes softplus at 0.
        assertThat(gradients.dt().toDoubles())
                .containsExactly(new double[] {0.25 / 2, -0.1733 / 2, 1.8267 / 2}, precision);
        assertThat(gradients.logA().toDoubles()).containsExactly(new double[] {-0.2402}, precision);
    }

    private static Tensor column(double... values) {
        return Tensor.ofDoubles(values).reshape(values.length, 1);
    }

    @Test
    void selectiveScanOfOneChannelAndOneState() {
        var layout = Layouts.PRIME_WITH_DOCUMENTS.layout();
        selectiveScan(layout, 1, 1, 1);
        selectiveScan(layout, 1, 2, layout.modalities());
    }

    private void selectiveScan(ModalityLayout layout, int inner, int state, int biasSets) {
        int tokens = layout.tokens();
        var biases = new ArrayList<Tensor>();
        var gradBiases = new ArrayList<Tensor>();
        for (int m = 0; m < biasSets; m++) {
            biases.add(draw.normal(inner));
            gradBiases.add(zeros(inner));
        }
        var inputs = new ScanInputs(
                draw.normal(tokens, inner),
                draw.normal(tokens, inner),
                biases,
                draw.normal(0.5, inner, state),
                draw.normal(tokens, state),
                draw.normal(tokens, state),
                draw.normal(inner),
                draw.normal(tokens, inner));
        var gradY = draw.normal(tokens, inner);
        DoubleSupplier loss = () -> {
            var mark = backend.workspace().mark();
            var out = poison(tokens, inner);
            backend.selectiveScanForward(inputs, layout, out);
            backend.workspace().release(mark);
            return dot(gradY, out);
        };
        var gradients = new ScanGradients(
                poison(tokens, inner),
                poison(tokens, inner),
                gradBiases,
                zeros(inner, state),
                poison(tokens, state),
                poison(tokens, state),
                zeros(inner),
                poison(tokens, inner));
        var mark = backend.workspace().mark();
        var y = poison(tokens, inner);
        var states = backend.selectiveScanForward(inputs, layout, y);
        backend.selectiveScanBackward(gradY, inputs, layout, y, states, gradients);
        var overwritten = List.of(gradients.x(), gradients.dt(), gradients.matB(), gradients.matC(), gradients.z());
        var accumulated = new ArrayList<>(List.of(gradients.logA(), gradients.skipD()));
        accumulated.addAll(gradBiases);
        var onceOverwritten = overwritten.stream().map(Tensor::toDoubles).toList();
        var onceAccumulated = accumulated.stream().map(Tensor::toDoubles).toList();
        backend.selectiveScanBackward(gradY, inputs, layout, y, states, gradients);
        backend.workspace().release(mark);

        assertGradient("x", inputs.x(), onceOverwritten.get(0), loss);
        assertGradient("dt", inputs.dt(), onceOverwritten.get(1), loss);
        assertGradient("B", inputs.matB(), onceOverwritten.get(2), loss);
        assertGradient("C", inputs.matC(), onceOverwritten.get(3), loss);
        assertGradient("z", inputs.z(), onceOverwritten.get(4), loss);
        assertGradient("A_log", inputs.logA(), onceAccumulated.get(0), loss);
        assertGradient("D", inputs.skipD(), onceAccumulated.get(1), loss);
        for (int m = 0; m < biasSets; m++) {
            assertGradient("dt bias " + m, biases.get(m), onceAccumulated.get(2 + m), loss);
        }
        for (int i = 0; i < overwritten.size(); i++) {
            assertThat(overwritten.get(i).toDoubles()).containsExactly(onceOverwritten.get(i));
        }
        for (int i = 0; i < accumulated.size(); i++) {
            assertDoubled(accumulated.get(i), onceAccumulated.get(i));
        }
    }

    @ParameterizedTest
    @EnumSource(Layouts.class)
    void crossEntropy(Layouts kind) {
        int tokens = kind.layout().tokens();
        int vocabulary = 6;
        var x = draw.normal(tokens, 3);
        var head = draw.normal(vocabulary, 3);
        var targets = draw.integers(vocabulary, tokens);
        var modality = Tensor.ofInts(new int[tokens]);
        for (int t = 0; t < tokens; t++) {
            modality.set(0, t, t % 4 == 3 ? -1 : t % 4);
            if (t % 4 == 3) {
                targets.set(0, t, -100); // any value where there is no loss
            }
        }
        double scale = 0.37;
        DoubleSupplier loss = () -> {
            var sums = zeros(3);
            backend.crossEntropyForward(x, head, targets, modality, sums);
            return scale * java.util.Arrays.stream(sums.toDoubles()).sum();
        };
        var gradX = poison(tokens, 3);
        var gradHead = zeros(vocabulary, 3);
        var sums = zeros(3);
        backend.crossEntropyForwardBackward(x, head, targets, modality, scale, sums, gradX, gradHead);
        assertGradient("x", x, gradX, loss);
        assertGradient("head", head, gradHead, loss);
        var onceX = gradX.toDoubles();
        var onceHead = gradHead.toDoubles();
        var onceSums = sums.toDoubles();
        backend.crossEntropyForwardBackward(x, head, targets, modality, scale, sums, gradX, gradHead);
        assertThat(gradX.toDoubles()).containsExactly(onceX);
        assertDoubled(gradHead, onceHead);
        assertDoubled(sums, onceSums);
    }
}
