package org.mixtureofmamba.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;
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
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.core.parity.RelativeError;
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
        return batch(name, size, draw, (random, t) -> random.nextDouble() < documentRate);
    }

    /** Whether a document starts at a token. */
    @FunctionalInterface
    private interface DocumentStarts {
        boolean at(SplittableRandom random, int token);
    }

    private static Case batch(
            String name, Size size, ToDoubleFunction<SplittableRandom> draw, DocumentStarts documentStarts) {
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
            starts[t] = documentStarts.at(random, t);
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
        for (var write : Write.values()) {
            rmsNorm(c, write);
        }
    }

    private void rmsNorm(Case c, Write write) {
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
                            desk.gradient("gradWeight", write, width),
                            write);
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
            linear(c.tokens(), slabs, inner, model, Write.OVERWRITE);
        }
    }

    private void linear(int tokens, Slabs slabs, int in, int out) {
        linear(tokens, slabs, in, out, Write.ADD);
    }

    /** The gradient of an empty slab's weights is to stay as it is. */
    private void linear(int tokens, Slabs slabs, int in, int out, Write write) {
        agree(desk -> {
            var weights = new ArrayList<Tensor>();
            var gradWeights = new ArrayList<Tensor>();
            for (int slab = 0; slab < slabs.count(); slab++) {
                weights.add(desk.weight("weight" + slab, 1 / Math.sqrt(in), out, in));
                gradWeights.add(desk.gradient("gradWeight" + slab, slabs.size(slab) == 0 ? Write.ADD : write, out, in));
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
                            gradOut,
                            x,
                            weights,
                            slabs,
                            desk.output("gradX", tokens, in),
                            Write.OVERWRITE,
                            gradWeights,
                            write);
            desk.backend()
                    .linearBackward(
                            gradOut,
                            x,
                            weights,
                            slabs,
                            desk.accumulatedActivation("gradXAdded", tokens, in),
                            Write.ADD,
                            gradWeights,
                            Write.ADD);
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
                            gradWeights,
                            Write.ADD);
        });
    }

    /** What an operation along the sequence is asked to take over and to leave, and how to write gradients. */
    private enum Carried {
        NOTHING(false, false, Write.ADD),
        NOTHING_OVERWRITING(false, false, Write.OVERWRITE),
        TAKEN_OVER(true, false, Write.ADD),
        LEFT(false, true, Write.OVERWRITE),
        BOTH(true, true, Write.ADD),
        BOTH_OVERWRITING(true, true, Write.OVERWRITE);

        private final boolean before;
        private final boolean after;
        private final Write write;

        Carried(boolean before, boolean after, Write write) {
            this.before = before;
            this.after = after;
            this.write = write;
        }

        /** A state, or the gradient of one: where something stands, and where something is to be written. */
        private static Optional<Tensor> tensor(boolean asked, Supplier<Tensor> tensor) {
            return asked ? Optional.of(tensor.get()) : Optional.empty();
        }

        Carry activations(Desk desk, long... extents) {
            return new Carry(
                    tensor(before, () -> desk.activation("before", extents)),
                    tensor(after, () -> desk.output("after", extents)));
        }

        Carry gradientsOfActivations(Desk desk, long... extents) {
            return new Carry(
                    tensor(before, () -> desk.output("gradBefore", extents)),
                    tensor(after, () -> desk.activation("gradAfter", extents)));
        }

        Carry states(Desk desk, long... extents) {
            return new Carry(
                    tensor(before, () -> desk.sensitive("before", 1, extents)),
                    tensor(after, () -> desk.statistic("after", extents)));
        }

        Carry gradientsOfStates(Desk desk, long... extents) {
            return new Carry(
                    tensor(before, () -> desk.statistic("gradBefore", extents)),
                    tensor(after, () -> desk.sensitive("gradAfter", 1, extents)));
        }
    }

    /** Those of all operations, and sequences that go on beside one that begins anew. */
    Stream<Case> casesOfSequences() {
        return Stream.concat(
                cases(),
                sizes().stream()
                        .map(size -> batch(
                                "first sequence begins anew",
                                size,
                                random -> random.nextInt(size.modalities),
                                (random, t) -> t == 0)));
    }

    /** x is the left half of [x, z], and so is its gradient. */
    @ParameterizedTest
    @MethodSource("casesOfSequences")
    void causalConv(Case c) {
        for (var carried : Carried.values()) {
            agree(desk -> causalConv(c, carried, desk));
        }
    }

    private static void causalConv(Case c, Carried carried, Desk desk) {
        int inner = c.size.inner;
        int kernel = c.size.kernel;
        var carriedExtents = new long[] {c.size.batch, kernel - 1, inner};
        var layout = desk.place(c.batch).layout();
        var x = desk.activation("xz", c.tokens(), 2L * inner).columns(0, inner);
        var weight = desk.sensitive("weight", 0.5, inner, 1, kernel);
        var bias = desk.sensitive("bias", 0.5, inner);
        var carry = carried.activations(desk, carriedExtents);
        desk.backend().causalConvForward(x, weight, bias, layout, carry, desk.output("out", c.tokens(), inner));
        desk.backend()
                .causalConvBackward(
                        desk.activation("gradOut", c.tokens(), inner),
                        x,
                        weight,
                        bias,
                        layout,
                        carry,
                        desk.outputColumns("gradXz", c.tokens(), 2 * inner, 0, inner),
                        desk.gradient("gradWeight", carried.write, inner, 1, kernel),
                        desk.gradient("gradBias", carried.write, inner),
                        carried.write,
                        carried.gradientsOfActivations(desk, carriedExtents));
    }

    /** B and C are columns of [dt, B, C], z is the right half of [x, z], and so are their gradients. */
    @ParameterizedTest
    @MethodSource("casesOfSequences")
    void selectiveScan(Case c) {
        for (int biasSets : new int[] {1, c.size.modalities}) {
            for (var carried : Carried.values()) {
                agree(desk -> selectiveScan(c, biasSets, carried, desk));
            }
        }
    }

    private static void selectiveScan(Case c, int biasSets, Carried carried, Desk desk) {
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
        var carry = carried.states(desk, c.size.batch, state, inner);
        var y = desk.output("y", c.tokens(), inner);
        var states = desk.backend().selectiveScanForward(inputs, layout, carry, y);
        var gradBiases = IntStream.range(0, biasSets)
                .mapToObj(m -> desk.gradient("gradDtBias" + m, carried.write, inner))
                .toList();
        var gradBc = desk.outputColumns("gradDbc", c.tokens(), width, rank, width);
        var gradients = new ScanGradients(
                desk.output("gradX", c.tokens(), inner),
                desk.output("gradDt", c.tokens(), inner),
                gradBiases,
                desk.gradient("gradLogA", carried.write, inner, state),
                gradBc.columns(0, state),
                gradBc.from(state),
                desk.gradient("gradSkipD", carried.write, inner),
                desk.outputColumns("gradXz", c.tokens(), 2 * inner, inner, 2 * inner));
        desk.backend()
                .selectiveScanBackward(
                        desk.activation("gradY", c.tokens(), inner),
                        inputs,
                        layout,
                        carry,
                        y,
                        states,
                        gradients,
                        carried.write,
                        carried.gradientsOfStates(desk, c.size.batch, state, inner));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void crossEntropy(Case c) {
        for (var write : Write.values()) {
            crossEntropy(c, write);
        }
    }

    private void crossEntropy(Case c, Write write) {
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
                            desk.gradient("gradHead", write, vocabulary, model),
                            write);
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gatedGather(Case c) {
        int width = c.size.model;
        agree(desk -> {
            var random = new SplittableRandom(11);
            var order = IntStream.range(0, c.tokens()).toArray();
            for (int i = order.length - 1; i > 0; i--) {
                int j = random.nextInt(i + 1);
                int former = order[i];
                order[i] = order[j];
                order[j] = former;
            }
            var rows = desk.integers(order);
            var gates = desk.sensitive("gates", 1, c.tokens());
            var y = desk.activation("y", c.tokens(), width);
            var residual = desk.activation("residual", c.tokens(), width);
            desk.backend().gatedGatherForward(y, rows, gates, residual, desk.output("out", c.tokens(), width));
            desk.backend()
                    .gatedGatherBackward(
                            desk.activation("gradOut", c.tokens(), width),
                            y,
                            rows,
                            gates,
                            desk.output("gradY", c.tokens(), width),
                            desk.statistic("gradGates", c.tokens()));
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
                adamW(new AdamW(step, 1e-2, 0.9, 0.95, 1e-8, 0.1, clip), 384);
            }
        }
        adamW(new AdamW(3, 1e-2, 0.9, 0.95, 1e-8, 0.1, 1), 0);
        adamW(new AdamW(3, 1e-2, 0.9, 0.95, 1e-8, 0.1, 1), 1024);
    }

    private void adamW(AdamW settings, long decayed) {
        agreeByType(desk -> {
            var grad = desk.sensitive("grad", 1, 1024);
            var norm = desk.number("norm");
            desk.backend().squaredNorm(grad, norm);
            var master = desk.accumulated("master", 1024);
            var buffers = new TrainedBuffers(
                    master,
                    working(desk, master),
                    grad,
                    desk.accumulated("firstMoment", 1024),
                    desk.accumulatedSquares("secondMoment", 1024),
                    norm,
                    decayed);
            desk.backend().adamW(settings, buffers);
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
                        new AdamW(1, 1e-2, 0.9, 0.95, 1e-8, 0.1, 1),
                        new TrainedBuffers(master, working, grad, first, second, squared, 128));
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
            languageModel(c, split, Model.Recompute.NOTHING);
        }
        languageModel(c, EnumSet.allOf(Projection.class), Model.Recompute.BLOCKS);
    }

    private void languageModel(Case c, Set<Projection> split, Model.Recompute recompute) {
        int model = c.size.model + c.size.model % 2;
        var config = MambaConfig.dense(model, 2, c.size.vocabulary, c.size.modalities)
                .withSplit(split)
                .withSizes(c.size.state, c.size.kernel, 2);
        try (var expected = new Model(config, reference, recompute, 7);
                var actual = new Model(config, tested, recompute, 7)) {
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

    private static Map<String, double[]> train(Model model, Backend backend, TokenBatch batch) {
        for (int pass = 0; pass < 2; pass++) {
            model.forwardBackward(model.place(batch), 1.0 / batch.layout().tokens(), new Model.MicroBatch(pass, 2));
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
