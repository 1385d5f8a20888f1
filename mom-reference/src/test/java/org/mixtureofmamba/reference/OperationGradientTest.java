package org.mixtureofmamba.reference;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.parity.RelativeError;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mixtureofmamba.reference.CentralDifference.assertGradient;
import static org.mixtureofmamba.reference.Draw.poison;
import static org.mixtureofmamba.reference.Draw.zeros;

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
        var ids = TokenIds.of(4, 0, 4, 4, 1, 0, 2);
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
        backend.rmsNormBackward(gradOut, x, weight, kept, gradX, gradWeight, Write.ADD);
        assertGradient("x", x, gradX, loss);
        assertGradient("weight", weight, gradWeight, loss);
        var onceX = gradX.toDoubles();
        var onceWeight = gradWeight.toDoubles();
        backend.rmsNormBackward(gradOut, x, weight, kept, gradX, gradWeight, Write.ADD);
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
        backend.linearBackward(gradOut, x, weights, slabs, gradX, Write.OVERWRITE, gradWeights, Write.ADD);
        assertGradient("x", x, gradX, loss);
        assertGradient("x beside a residual", x, gradX, lossWithResidual);
        assertGradient("residual", residual, gradOut, lossWithResidual);
        var onceX = gradX.toDoubles();
        var once = gradWeights.stream().map(Tensor::toDoubles).toList();
        for (int slab = 0; slab < slabs.count(); slab++) {
            assertGradient("weight " + slab, weights.get(slab), gradWeights.get(slab), loss);
        }
        backend.linearBackward(gradOut, x, weights, slabs, gradX, Write.OVERWRITE, gradWeights, Write.ADD);
        assertThat(gradX.toDoubles()).containsExactly(onceX);
        for (int slab = 0; slab < slabs.count(); slab++) {
            assertDoubled(gradWeights.get(slab), once.get(slab));
        }
        backend.linearBackward(gradOut, x, weights, slabs, gradX, Write.ADD, gradWeights, Write.ADD);
        assertDoubled(gradX, onceX);
    }

    /** What sequences take over and leave, or nothing of either. */
    private Carry carry(boolean carried, long... extents) {
        return carried ? new Carry(Optional.of(draw.normal(extents)), Optional.of(poison(extents))) : Carry.NONE;
    }

    /** The gradient that arrives at the last state, and the place for that of the first. */
    private Carry gradCarry(boolean carried, long... extents) {
        return carried ? new Carry(Optional.of(poison(extents)), Optional.of(draw.normal(extents))) : Carry.NONE;
    }

    /** The share of a loss that what is carried on has in it; what was there before is poison. */
    private static double dotAfter(Carry gradCarry, Carry carry) {
        return carry.after()
                .map(after -> dot(gradCarry.after().orElseThrow(), after))
                .orElse(0.0);
    }

    /** A gradient to be added to, which holds nothing yet, or to be overwritten. */
    private static Tensor gradient(Write write, long... extents) {
        return write == Write.ADD ? zeros(extents) : poison(extents);
    }

    /** A second backward has added to a gradient, or left it as it was. */
    private static void assertWrittenTwice(Write write, Tensor twice, double[] once) {
        switch (write) {
            case ADD -> assertDoubled(twice, once);
            case OVERWRITE -> assertThat(twice.toDoubles()).containsExactly(once);
        }
    }

    @ParameterizedTest
    @EnumSource(Layouts.class)
    void causalConv(Layouts kind) {
        for (int kernel : new int[] {1, 2, 4}) {
            causalConv(kind.layout(), kernel, false, Write.ADD);
            causalConv(kind.layout(), kernel, true, Write.OVERWRITE);
        }
    }

    private void causalConv(ModalityLayout layout, int kernel, boolean carried, Write write) {
        int tokens = layout.tokens();
        var x = draw.normal(tokens, 3);
        var weight = draw.normal(3, 1, kernel);
        var bias = draw.normal(3);
        var carry = carry(carried, layout.batch(), kernel - 1, 3);
        var gradOut = draw.normal(tokens, 3);
        var gradCarry = gradCarry(carried, layout.batch(), kernel - 1, 3);
        DoubleSupplier loss = () -> {
            var out = poison(tokens, 3);
            backend.causalConvForward(x, weight, bias, layout, carry, out);
            return dot(gradOut, out) + dotAfter(gradCarry, carry);
        };
        var gradX = poison(tokens, 3);
        var gradWeight = gradient(write, 3, 1, kernel);
        var gradBias = gradient(write, 3);
        Runnable backward = () -> backend.causalConvBackward(
                gradOut, x, weight, bias, layout, carry, gradX, gradWeight, gradBias, write, gradCarry);
        backward.run();
        assertGradient("x", x, gradX, loss);
        assertGradient("weight", weight, gradWeight, loss);
        assertGradient("bias", bias, gradBias, loss);
        if (carried) {
            assertGradient(
                    "inputs before", carry.before().get(), gradCarry.before().get(), loss);
        }
        var onceX = gradX.toDoubles();
        var onceWeight = gradWeight.toDoubles();
        var onceBias = gradBias.toDoubles();
        var onceBefore = gradCarry.before().map(Tensor::toDoubles);
        backward.run();
        assertThat(gradX.toDoubles()).containsExactly(onceX);
        assertWrittenTwice(write, gradWeight, onceWeight);
        assertWrittenTwice(write, gradBias, onceBias);
        gradCarry.before().ifPresent(before -> assertThat(before.toDoubles()).containsExactly(onceBefore.get()));
    }

    /**
     * Inputs before a document's start are zeros to those that go on; the others pass through, however few tokens came.
     */
    @Test
    void inputsAreCarriedOnAsFarAsTheirDocumentReaches() {
        assertThat(carriedOn(5, 0, 0, 0, 0, 0)).containsExactly(12, 13, 14);
        assertThat(carriedOn(5, 0, 0, 0, 1, 0)).containsExactly(0, 13, 14);
        assertThat(carriedOn(5, 0, 0, 0, 0, 1)).containsExactly(0, 0, 14);
        assertThat(carriedOn(2, 0, 0)).containsExactly(3, 10, 11);
        assertThat(carriedOn(2, 1, 0)).containsExactly(0, 10, 11);
        assertThat(carriedOn(1, 0)).containsExactly(2, 3, 10);
        assertThat(carriedOn(1, 1)).containsExactly(0, 0, 10);
    }

    /** Of one channel with the inputs 10, 11, ..., where 1, 2, 3 came before them. */
    private static double[] carriedOn(int length, int... starts) {
        var documentStart = new boolean[length];
        for (int l = 0; l < length; l++) {
            documentStart[l] = starts[l] == 1;
        }
        var layout = ModalityLayout.of(1, length, 1, new byte[length], documentStart);
        var x = column(IntStream.range(10, 10 + length).asDoubleStream().toArray());
        var after = poison(1, 3, 1);
        var carry = new Carry(Optional.of(Tensor.ofDoubles(1, 2, 3).reshape(1, 3, 1)), Optional.of(after));
        backend.causalConvForward(x, zeros(1, 1, 4), zeros(1), layout, carry, poison(length, 1));
        return after.toDoubles();
    }

    @ParameterizedTest
    @EnumSource(Layouts.class)
    void selectiveScan(Layouts kind) {
        var layout = kind.layout();
        selectiveScan(layout, 2, 3, layout.modalities(), false, Write.ADD);
        selectiveScan(layout, 2, 3, layout.modalities(), true, Write.OVERWRITE);
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
        var states = backend.selectiveScanForward(inputs, layout, Carry.NONE, y);
        backend.selectiveScanBackward(
                column(0, 0, 1), inputs, layout, Carry.NONE, y, states, gradients, Write.ADD, Carry.NONE);
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
        selectiveScan(layout, 1, 1, 1, true, Write.ADD);
        selectiveScan(layout, 1, 2, layout.modalities(), true, Write.OVERWRITE);
    }

    private void selectiveScan(
            ModalityLayout layout, int inner, int state, int biasSets, boolean carried, Write write) {
        int tokens = layout.tokens();
        var biases = new ArrayList<Tensor>();
        var gradBiases = new ArrayList<Tensor>();
        for (int m = 0; m < biasSets; m++) {
            biases.add(draw.normal(inner));
            gradBiases.add(gradient(write, inner));
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
        var carry = carry(carried, layout.batch(), state, inner);
        var gradY = draw.normal(tokens, inner);
        var gradCarry = gradCarry(carried, layout.batch(), state, inner);
        DoubleSupplier loss = () -> {
            var mark = backend.workspace().mark();
            var out = poison(tokens, inner);
            backend.selectiveScanForward(inputs, layout, carry, out);
            backend.workspace().release(mark);
            return dot(gradY, out) + dotAfter(gradCarry, carry);
        };
        var gradients = new ScanGradients(
                poison(tokens, inner),
                poison(tokens, inner),
                gradBiases,
                gradient(write, inner, state),
                poison(tokens, state),
                poison(tokens, state),
                gradient(write, inner),
                poison(tokens, inner));
        var mark = backend.workspace().mark();
        var y = poison(tokens, inner);
        var states = backend.selectiveScanForward(inputs, layout, carry, y);
        Runnable backward = () ->
                backend.selectiveScanBackward(gradY, inputs, layout, carry, y, states, gradients, write, gradCarry);
        backward.run();
        var overwritten = new ArrayList<>(
                List.of(gradients.x(), gradients.dt(), gradients.matB(), gradients.matC(), gradients.z()));
        gradCarry.before().ifPresent(overwritten::add);
        var ofParameters = new ArrayList<>(List.of(gradients.logA(), gradients.skipD()));
        ofParameters.addAll(gradBiases);
        var onceOverwritten = overwritten.stream().map(Tensor::toDoubles).toList();
        var onceOfParameters = ofParameters.stream().map(Tensor::toDoubles).toList();
        backward.run();
        backend.workspace().release(mark);

        assertGradient("x", inputs.x(), onceOverwritten.get(0), loss);
        assertGradient("dt", inputs.dt(), onceOverwritten.get(1), loss);
        assertGradient("B", inputs.matB(), onceOverwritten.get(2), loss);
        assertGradient("C", inputs.matC(), onceOverwritten.get(3), loss);
        assertGradient("z", inputs.z(), onceOverwritten.get(4), loss);
        if (carried) {
            assertGradient("state before", carry.before().get(), onceOverwritten.get(5), loss);
        }
        assertGradient("A_log", inputs.logA(), onceOfParameters.get(0), loss);
        assertGradient("D", inputs.skipD(), onceOfParameters.get(1), loss);
        for (int m = 0; m < biasSets; m++) {
            assertGradient("dt bias " + m, biases.get(m), onceOfParameters.get(2 + m), loss);
        }
        for (int i = 0; i < overwritten.size(); i++) {
            assertThat(overwritten.get(i).toDoubles()).containsExactly(onceOverwritten.get(i));
        }
        for (int i = 0; i < ofParameters.size(); i++) {
            assertWrittenTwice(write, ofParameters.get(i), onceOfParameters.get(i));
        }
    }

    @Test
    void gatedGather() {
        var y = draw.normal(4, 3);
        var rows = Tensor.ofInts(2, 0, 3, 1);
        var gates = draw.normal(4);
        var residual = draw.normal(4, 3);
        var gradOut = draw.normal(4, 3);
        DoubleSupplier loss = () -> {
            var out = poison(4, 3);
            backend.gatedGatherForward(y, rows, gates, residual, out);
            return dot(gradOut, out);
        };
        for (int pass = 0; pass < 2; pass++) { // overwritten, whatever was there
            var gradY = poison(4, 3);
            var gradGates = poison(4);
            backend.gatedGatherBackward(gradOut, y, rows, gates, gradY, gradGates);
            assertGradient("y", y, gradY, loss);
            assertGradient("gates", gates, gradGates, loss);
            assertGradient("residual", residual, gradOut, loss);
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
                targets.set(0, t, vocabulary - 1); // any where there is no loss
            }
        }
        var ids = TokenIds.of(targets);
        double scale = 0.37;
        DoubleSupplier loss = () -> {
            var sums = zeros(3);
            backend.crossEntropyForward(x, head, ids, modality, sums);
            return scale * java.util.Arrays.stream(sums.toDoubles()).sum();
        };
        var gradX = poison(tokens, 3);
        var gradHead = zeros(vocabulary, 3);
        var sums = zeros(3);
        backend.crossEntropyForwardBackward(x, head, ids, modality, scale, sums, gradX, gradHead, Write.ADD);
        assertGradient("x", x, gradX, loss);
        assertGradient("head", head, gradHead, loss);
        var onceX = gradX.toDoubles();
        var onceHead = gradHead.toDoubles();
        var onceSums = sums.toDoubles();
        backend.crossEntropyForwardBackward(x, head, ids, modality, scale, sums, gradX, gradHead, Write.ADD);
        assertThat(gradX.toDoubles()).containsExactly(onceX);
        assertDoubled(gradHead, onceHead);
        assertDoubled(sums, onceSums);
    }
}
