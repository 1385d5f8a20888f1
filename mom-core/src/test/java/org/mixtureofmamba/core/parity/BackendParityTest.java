package org.mixtureofmamba.core.parity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.LanguageModel;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Projection;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every operation of a backend against the float64 reference, element by element, on equal inputs of odd sizes: outputs
 * hold NaN before they are written, gradients that accumulate hold random numbers, strided views must leave their
 * neighbours alone, and a second call must give the same bits. A backend is tested by a class that extends this one and
 * says how to {@link #open} it; one whose kernels ask for other sizes or whose arithmetic needs another tolerance
 * overrides {@link #sizes} or {@link #tolerance} and says why. Tests of a GPU backend carry {@code @Tag("gpu")} on the
 * class.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendParityTest {
    /**
     * The extents of one round of tests.
     *
     * @param batch B
     * @param length L
     * @param modalities M
     * @param model D
     * @param inner E
     * @param state N
     * @param kernel K
     * @param rank R
     * @param vocabulary V
     */
    public record Size(
            int batch,
            int length,
            int modalities,
            int model,
            int inner,
            int state,
            int kernel,
            int rank,
            int vocabulary) {}

    /** A batch of tokens of some size; its name says what is odd about it. */
    public record Case(String name, Size size, TokenBatch batch) {
        int tokens() {
            return size.batch * size.length;
        }

        @Override
        public String toString() {
            return name + " " + size;
        }
    }

    private Backend reference;
    private Backend tested;

    /** The backend under test. */
    protected abstract Backend open();

    /** The judge. */
    protected Backend openReference() {
        return Backends.open("reference", BackendOptions.defaults());
    }

    /**
     * How far a tensor may be from the reference, as {@link RelativeError#within} has it: in bf16 the rounding of the
     * result itself, in float32 the rounding of sums of some hundreds of terms.
     */
    protected double tolerance(DType dtype) {
        return switch (dtype) {
            case BFLOAT16 -> dtype.epsilon();
            case FLOAT32, FLOAT64, INT32 -> 16 * dtype.epsilon();
        };
    }

    /**
     * One token, a sequence shorter than the kernel, odd extents everywhere, and one long enough for several chunks.
     */
    protected List<Size> sizes() {
        return List.of(
                new Size(1, 1, 1, 8, 16, 16, 4, 1, 11),
                new Size(2, 3, 2, 8, 16, 16, 4, 1, 17),
                new Size(3, 13, 2, 7, 13, 3, 3, 1, 29),
                new Size(1, 37, 3, 24, 48, 16, 4, 2, 67),
                new Size(2, 131, 3, 32, 64, 16, 4, 2, 301));
    }

    @BeforeAll
    void openBackends() {
        reference = openReference();
        tested = open();
    }

    @AfterAll
    void closeBackends() {
        tested.close();
        reference.close();
    }

    Stream<Case> cases() {
        return sizes().stream().flatMap(size -> {
            int last = size.modalities - 1;
            var all = Stream.of(
                    batch("one document", size, 0, random -> random.nextInt(size.modalities)),
                    batch("documents", size, 0.15, random -> random.nextInt(size.modalities)));
            return size.modalities == 1
                    ? all
                    : Stream.concat(
                            all,
                            Stream.of(
                                    batch("first modality absent", size, 0.1, random -> 1 + random.nextInt(last)),
                                    batch("last modality absent", size, 0.1, random -> random.nextInt(last))));
        });
    }

    /** Whether a whole model is compared on a batch. */
    protected boolean judgesModelOn(Case c) {
        return true;
    }

    Stream<Case> casesOfModels() {
        return cases().filter(this::judgesModelOn);
    }

    private static Case batch(String name, Size size, double documentRate, ToDoubleFunction<SplittableRandom> draw) {
        var random = new SplittableRandom(name.hashCode() + size.hashCode());
        int tokens = size.batch * size.length;
        var inputs = new int[tokens];
        var targets = new int[tokens];
        var modality = new byte[tokens];
        var targetModality = new byte[tokens];
        var starts = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            // Half of all ids are one of three, so that table rows are met many times.
            inputs[t] = random.nextInt(random.nextBoolean() ? 3 : size.vocabulary);
            targets[t] = random.nextInt(size.vocabulary);
            modality[t] = (byte) draw.applyAsDouble(random);
            targetModality[t] = (byte) (t > 0 && random.nextInt(5) == 0 ? -1 : random.nextInt(size.modalities));
            starts[t] = random.nextDouble() < documentRate;
        }
        return new Case(
                name,
                size,
                TokenBatch.of(
                        size.batch, size.length, size.modalities, inputs, targets, modality, targetModality, starts));
    }

    /** Runs an operation on both backends, and on the tested one once more; compares all that was written. */
    private void agree(Consumer<Desk> operation) {
        agree(operation, result -> tolerance(tested.dtype()));
    }

    private void agree(Consumer<Desk> operation, ToDoubleFunction<Desk.Result> tolerance) {
        var expected = run(reference, operation);
        var actual = run(tested, operation);
        var again = run(tested, operation);
        var wrong = new ArrayList<String>();
        expected.forEach((name, result) -> {
            var error = RelativeError.of(name, result.values(), actual.get(name).values());
            double limit = tolerance.applyAsDouble(actual.get(name));
            if (!error.within(limit)) {
                wrong.add("%s, tolerance %.1e".formatted(error.describe(), limit));
            }
            assertThat(again.get(name).values())
                    .as(name + ", run twice")
                    .containsExactly(actual.get(name).values());
        });
        assertThat(wrong).isEmpty();
    }

    private Map<String, Desk.Result> run(Backend backend, Consumer<Desk> operation) {
        var mark = backend.workspace().mark();
        try (var desk = new Desk(backend, tested)) {
            operation.accept(desk);
            return desk.results();
        } finally {
            backend.workspace().release(mark);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void embedding(Case c) {
        int width = c.size.model;
        agree(desk -> {
            var ids = desk.place(c.batch).inputs();
            var table = desk.weight("table", 1, c.size.vocabulary, width);
            desk.backend().embeddingForward(ids, table, desk.output("out", c.tokens(), width));
            desk.backend()
                    .embeddingBackward(
                            ids,
                            desk.activation("gradOut", c.tokens(), width),
                            desk.accumulated("gradTable", c.size.vocabulary, width));
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rmsNorm(Case c) {
        int width = c.size.model;
        agree(desk -> {
            var x = desk.activation("x", c.tokens(), width);
            var weight = desk.sensitive("weight", 1, width);
            var inverseRms = desk.statistic("inverseRms", c.tokens());
            desk.backend().rmsNormForward(x, weight, 1e-5, desk.output("out", c.tokens(), width), inverseRms);
            desk.backend()
                    .rmsNormBackward(
                            desk.activation("gradOut", c.tokens(), width),
                            x,
                            weight,
                            inverseRms,
                            desk.accumulatedActivation("gradX", c.tokens(), width),
                            desk.accumulated("gradWeight", width));
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    void linear(Case c) {
        int model = c.size.model;
        int inner = c.size.inner;
        int few = c.size.rank + 2 * c.size.state;
        for (int sets : new int[] {1, c.size.modalities}) {
            var slabs = c.batch.layout().slabsFor(sets);
            linear(c.tokens(), slabs, model, 2 * inner);
            linear(c.tokens(), slabs, inner, few);
            linear(c.tokens(), slabs, inner, model);
        }
    }

    private void linear(int tokens, Slabs slabs, int in, int out) {
        agree(desk -> {
            var weights = new ArrayList<Tensor>();
            var gradWeights = new ArrayList<Tensor>();
            for (int slab = 0; slab < slabs.count(); slab++) {
                weights.add(desk.weight("weight" + slab, 1 / Math.sqrt(in), out, in));
                gradWeights.add(desk.accumulated("gradWeight" + slab, out, in));
            }
            var x = desk.activation("x", tokens, in);
            desk.backend().linearForward(x, weights, slabs, desk.output("out", tokens, out));
            var residual = desk.activation("residual", tokens, out);
            desk.backend().linearForwardAdd(x, weights, slabs, residual, desk.output("outAdded", tokens, out));
            var inPlace = desk.accumulatedActivation("outInPlace", tokens, out);
            desk.backend().linearForwardAdd(x, weights, slabs, inPlace, inPlace);
            var gradOut = desk.activation("gradOut", tokens, out);
            desk.backend()
                    .linearBackward(
                            gradOut, x, weights, slabs, desk.output("gradX", tokens, in), Write.OVERWRITE, gradWeights);
            desk.backend()
                    .linearBackward(
                            gradOut,
                            x,
                            weights,
                            slabs,
                            desk.accumulatedActivation("gradXAdded", tokens, in),
                            Write.ADD,
                            gradWeights);
        });
    }

    /** The first columns of [x, more] in, the first columns of a wider gradient out, as dt_proj uses them. */
    @ParameterizedTest
    @MethodSource("cases")
    void linearOnColumns(Case c) {
        int rank = c.size.rank;
        int inner = c.size.inner;
        int width = rank + 2 * c.size.state;
        var slabs = c.batch.layout().slabsFor(c.size.modalities);
        agree(desk -> {
            var weights = new ArrayList<Tensor>();
            var gradWeights = new ArrayList<Tensor>();
            for (int slab = 0; slab < slabs.count(); slab++) {
                weights.add(desk.weight("weight" + slab, 1, inner, rank));
                gradWeights.add(desk.accumulated("gradWeight" + slab, inner, rank));
            }
            var x = desk.activation("x", c.tokens(), width).columns(0, rank);
            desk.backend().linearForward(x, weights, slabs, desk.output("out", c.tokens(), inner));
            desk.backend()
                    .linearBackward(
                            desk.activation("gradOut", c.tokens(), inner),
                            x,
                            weights,
                            slabs,
                            desk.outputColumns("gradX", c.tokens(), width, 0, rank),
                            Write.OVERWRITE,
                            gradWeights);
        });
    }

    /** x is the left half of [x, z], and so is its gradient. */
    @ParameterizedTest
    @MethodSource("cases")
    void causalConv(Case c) {
        int inner = c.size.inner;
        int kernel = c.size.kernel;
        agree(desk -> {
            var layout = desk.place(c.batch).layout();
            var x = desk.activation("xz", c.tokens(), 2L * inner).columns(0, inner);
            var weight = desk.sensitive("weight", 0.5, inner, 1, kernel);
            var bias = desk.sensitive("bias", 0.5, inner);
            desk.backend().causalConvForward(x, weight, bias, layout, desk.output("out", c.tokens(), inner));
            desk.backend()
                    .causalConvBackward(
                            desk.activation("gradOut", c.tokens(), inner),
                            x,
                            weight,
                            bias,
                            layout,
                            desk.outputColumns("gradXz", c.tokens(), 2 * inner, 0, inner),
                            desk.accumulated("gradWeight", inner, 1, kernel),
                            desk.accumulated("gradBias", inner));
        });
    }

    /** B and C are columns of [dt, B, C], z is the right half of [x, z], and so are their gradients. */
    @ParameterizedTest
    @MethodSource("cases")
    void selectiveScan(Case c) {
        for (int biasSets : new int[] {1, c.size.modalities}) {
            agree(desk -> selectiveScan(c, biasSets, desk));
        }
    }

    private static void selectiveScan(Case c, int biasSets, Desk desk) {
        int inner = c.size.inner;
        int state = c.size.state;
        int rank = c.size.rank;
        int width = rank + 2 * state;
        var layout = desk.place(c.batch).layout();
        var dbc = desk.activation("dbc", c.tokens(), width);
        var biases = IntStream.range(0, biasSets)
                .mapToObj(m -> desk.sensitive("dtBias" + m, 1, inner))
                .toList();
        var inputs = new ScanInputs(
                desk.activation("x", c.tokens(), inner),
                desk.activation("dt", c.tokens(), inner),
                biases,
                desk.sensitive("logA", 0.5, inner, state),
                dbc.columns(rank, rank + state),
                dbc.from(rank + state),
                desk.sensitive("skipD", 1, inner),
                desk.activation("xz", c.tokens(), 2L * inner).from(inner));
        var y = desk.output("y", c.tokens(), inner);
        var states = desk.backend().selectiveScanForward(inputs, layout, y);
        var gradBiases = IntStream.range(0, biasSets)
                .mapToObj(m -> desk.accumulated("gradDtBias" + m, inner))
                .toList();
        var gradBc = desk.outputColumns("gradDbc", c.tokens(), width, rank, width);
        var gradients = new ScanGradients(
                desk.output("gradX", c.tokens(), inner),
                desk.output("gradDt", c.tokens(), inner),
                gradBiases,
                desk.accumulated("gradLogA", inner, state),
                gradBc.columns(0, state),
                gradBc.from(state),
                desk.accumulated("gradSkipD", inner),
                desk.outputColumns("gradXz", c.tokens(), 2 * inner, inner, 2 * inner));
        desk.backend()
                .selectiveScanBackward(
                        desk.activation("gradY", c.tokens(), inner), inputs, layout, y, states, gradients);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void crossEntropy(Case c) {
        int model = c.size.model;
        int vocabulary = c.size.vocabulary;
        agree(desk -> {
            var batch = desk.place(c.batch);
            var x = desk.activation("x", c.tokens(), model);
            var head = desk.weight("head", 0.5, vocabulary, model);
            desk.backend()
                    .crossEntropyForward(
                            x, head, batch.targets(), batch.targetModality(), desk.sums("lossSums", c.size.modalities));
            desk.backend()
                    .crossEntropyForwardBackward(
                            x,
                            head,
                            batch.targets(),
                            batch.targetModality(),
                            0.25,
                            desk.sums("lossSumsOfBoth", c.size.modalities),
                            desk.output("gradX", c.tokens(), model),
                            desk.accumulated("gradHead", vocabulary, model));
        });
    }

    /** The optimizer's state is of the accumulation type and held to it; only the working copy is coarser. */
    private void agreeByType(Consumer<Desk> operation) {
        agree(
                operation,
                result -> result.dtype() == DType.FLOAT64 && tested.accumulationType() != DType.FLOAT64
                        ? tolerance(tested.accumulationType())
                        : tolerance(result.dtype()));
    }

    @Test
    void squaredNorm() {
        for (int size : new int[] {1, 7, 128, 1000, 100_003}) {
            agreeByType(
                    desk -> desk.backend().squaredNorm(desk.sensitive("values" + size, 1, size), desk.number("norm")));
        }
    }

    @Test
    void adamW() {
        for (long step : new long[] {1, 2, 1000}) {
            for (double clip : new double[] {1, 1e9}) {
                adamW(new AdamW(step, 1e-2, 0.9, 0.95, 1e-8, 0.1, 384, clip));
            }
        }
        adamW(new AdamW(3, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0, 1));
        adamW(new AdamW(3, 1e-2, 0.9, 0.95, 1e-8, 0.1, 1024, 1));
    }

    private void adamW(AdamW settings) {
        agreeByType(desk -> {
            var grad = desk.sensitive("grad", 1, 1024);
            var norm = desk.number("norm");
            desk.backend().squaredNorm(grad, norm);
            var master = desk.accumulated("master", 1024);
            desk.backend()
                    .adamW(
                            settings,
                            master,
                            working(desk, master),
                            grad,
                            desk.accumulated("firstMoment", 1024),
                            desk.accumulatedSquares("secondMoment", 1024),
                            norm);
        });
    }

    private static Tensor working(Desk desk, Tensor master) {
        var backend = desk.backend();
        return backend.dtype() == backend.accumulationType() ? master : desk.output("working", master.size());
    }

    /** A step whose gradients overflowed or were never numbers leaves every bit as it was. */
    @Test
    void adamWChangesNothingWithoutAFiniteNorm() {
        for (double norm : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            try (var desk = new Desk(tested, tested)) {
                var grad = desk.sensitive("grad", 1, 256);
                var master = desk.accumulated("master", 256);
                var working = tested.dtype() == tested.accumulationType()
                        ? master
                        : desk.recorded("working", desk.weight("working", 1, 256));
                var first = desk.accumulated("firstMoment", 256);
                var second = desk.accumulatedSquares("secondMoment", 256);
                var squared = desk.number("norm");
                tested.memory().copy(Tensor.ofDoubles(norm), squared);
                var before = desk.results();
                tested.adamW(
                        new AdamW(1, 1e-2, 0.9, 0.95, 1e-8, 0.1, 128, 1),
                        master,
                        working,
                        grad,
                        first,
                        second,
                        squared);
                var after = desk.results();
                before.forEach((name, result) ->
                        assertThat(after.get(name).values()).as(name).containsExactly(result.values()));
            }
        }
    }

    /** A whole small model, its gradients accumulated over two batches; the same weights on both backends. */
    @ParameterizedTest
    @MethodSource("casesOfModels")
    void languageModel(Case c) {
        for (Set<Projection> split : List.of(
                EnumSet.noneOf(Projection.class),
                EnumSet.of(Projection.X, Projection.OUT),
                EnumSet.allOf(Projection.class))) {
            languageModel(c, split, LanguageModel.Recompute.NOTHING);
        }
        languageModel(c, EnumSet.allOf(Projection.class), LanguageModel.Recompute.BLOCKS);
    }

    private void languageModel(Case c, Set<Projection> split, LanguageModel.Recompute recompute) {
        int model = c.size.model + c.size.model % 2;
        var config = new ModelConfig(
                model, 2, c.size.vocabulary, c.size.modalities, split, c.size.state, c.size.kernel, 2, true, 1e-5);
        try (var expected = new LanguageModel(config, reference, recompute, 7);
                var actual = new LanguageModel(config, tested, recompute, 7)) {
            for (int i = 0; i < actual.parameters().all().size(); i++) {
                var from = actual.parameters().all().get(i).value();
                var to = expected.parameters().all().get(i).master();
                var host = Draw.zeros(from.shape().toArray());
                tested.memory().copy(from, host);
                reference.memory().copy(host, to);
            }
            var expectedResults = train(expected, reference, c.batch);
            var actualResults = train(actual, tested, c.batch);
            var wrong = new ArrayList<String>();
            expectedResults.forEach((name, values) -> {
                // A chain of some twenty operations, each with its own rounding.
                var error = RelativeError.of(name, values, actualResults.get(name));
                if (!error.within(8 * tolerance(tested.dtype()))) {
                    wrong.add(error.describe());
                }
            });
            assertThat(wrong)
                    .as("%s, split %s, recompute %s", c, split, recompute)
                    .isEmpty();
        }
    }

    private static Map<String, double[]> train(LanguageModel model, Backend backend, TokenBatch batch) {
        for (int pass = 0; pass < 2; pass++) {
            model.forwardBackward(model.place(batch), 1.0 / batch.layout().tokens());
        }
        var results = new LinkedHashMap<String, double[]>();
        var losses = model.takeLosses().sums().stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        model.forward(model.place(batch));
        var again = model.takeLosses().sums().stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        results.put("losses", losses);
        results.put("losses without gradients", again);
        for (var parameter : model.parameters().all()) {
            var host = Draw.zeros(parameter.shape().toArray());
            backend.memory().copy(parameter.grad(), host);
            results.put(parameter.name(), host.toDoubles());
        }
        assertThat(Arrays.stream(losses).sum()).isPositive();
        return results;
    }
}
