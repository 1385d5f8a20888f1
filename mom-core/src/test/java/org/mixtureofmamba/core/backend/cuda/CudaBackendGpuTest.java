package org.mixtureofmamba.core.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Model.MicroBatch;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.model.Optimizer;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.core.parity.RelativeError;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.withinPercentage;

/** The backend on a real card: the authors' vectors, the cpu backend, and what must hold bit for bit. */
@Tag("gpu")
class CudaBackendGpuTest {
    private static Backend open(Precision precision) {
        return Backends.open("cuda", new BackendOptions(1, 0, precision));
    }

    /** Large enough that parts of its update run beside scans. */
    private static final MambaConfig LARGE = mixture(256, 3, 10_007, 3);

    private static MambaConfig mixture(int dModel, int blocks, int vocabulary, int modalities) {
        return MambaConfig.dense(dModel, blocks, vocabulary, modalities).withSplit(EnumSet.allOf(Projection.class));
    }

    private static void assertWithin(List<RelativeError> errors, double tolerance) {
        assertThat(errors)
                .as("worst of %d", errors.size())
                .allSatisfy(error ->
                        assertThat(error.within(tolerance)).as(error.describe()).isTrue());
    }

    /** A model of every operation, of a vocabulary that is no multiple of 8. */
    private static final MambaConfig CONFIG = mixture(64, 3, 1003, 3);

    private static TokenBatch batch(MambaConfig config, int batch, int length, long seed) {
        return batch(config, config.modalities(), batch, length, seed);
    }

    /** @param present how many of the modalities have tokens */
    private static TokenBatch batch(MambaConfig config, int present, int batch, int length, long seed) {
        var random = new SplittableRandom(seed);
        int tokens = batch * length;
        var modality = new byte[tokens];
        var documentStart = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            boolean changes = random.nextInt(40) == 0;
            modality[t] = t > 0 && !changes ? modality[t - 1] : (byte) random.nextInt(present);
            documentStart[t] = random.nextInt(150) == 0;
        }
        // Most ids are few, so that some are frequent and some are rare.
        var ids = random.ints(tokens + 1, 0, config.vocabulary())
                .map(id -> id % 3 == 0 ? id : id % 7)
                .toArray();
        var targetModality = modality.clone();
        for (int t = 0; t < tokens; t += 13) {
            targetModality[t] = -1;
        }
        return TokenBatch.of(
                batch,
                length,
                config.modalities(),
                Arrays.copyOf(ids, tokens),
                Arrays.copyOfRange(ids, 1, tokens + 1),
                modality,
                targetModality,
                documentStart);
    }

    /** A model with its optimizer. */
    private static final class Training implements AutoCloseable {
        private final Backend backend;
        private final Model model;
        private final Optimizer optimizer;
        private int step;

        Training(Backend backend, MambaConfig config, Recompute recompute) {
            this.backend = backend;
            this.model = new Model(config, backend, recompute, 7);
            this.optimizer = new Optimizer(backend, model);
        }

        void forwardBackward(TokenBatch batch, double scale) {
            model.forwardBackward(model.place(batch), scale);
        }

        void update() {
            optimizer.step(new AdamW(++step, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5));
        }

        double[] gradients() {
            return toDoubles(backend, model.parameters().grad());
        }

        double[] weights() {
            optimizer.finish();
            return toDoubles(backend, model.parameters().master());
        }

        /** Master weights, working weights, both moments, as they lie. */
        List<float[]> state() {
            optimizer.finish();
            return Stream.of(
                            model.parameters().master(),
                            model.parameters().working(),
                            optimizer.firstMoment(),
                            optimizer.secondMoment())
                    .map(tensor -> floats(backend, tensor))
                    .toList();
        }

        @Override
        public void close() {
            optimizer.close();
            model.close();
        }
    }

    private static float[] floats(Backend backend, Tensor tensor) {
        try (var arena = Arena.ofConfined()) {
            var host = Tensor.onHost(arena, DType.FLOAT32, tensor.shape().toArray());
            backend.memory().copy(tensor, host);
            return host.segment().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }
    }

    private static double[] toDoubles(Backend backend, Tensor tensor) {
        var host = Tensor.ofDoubles(new double[Math.toIntExact(tensor.size())])
                .reshape(tensor.shape().toArray());
        backend.memory().copy(tensor, host);
        return host.toDoubles();
    }

    /** Losses, gradients of each parameter, gradient norms and weights over three steps. */
    private static List<double[]> threeSteps(Backend backend, List<String> names) {
        var results = new ArrayList<double[]>();
        try (var training = new Training(backend, CONFIG, Recompute.NOTHING)) {
            for (int step = 0; step < 3; step++) {
                training.forwardBackward(batch(CONFIG, 2, 2300, step), 2e-4);
                training.update();
                add(
                        names,
                        results,
                        "losses of step " + step,
                        training.model.takeLosses().sums().stream()
                                .mapToDouble(Double::doubleValue)
                                .toArray());
                add(names, results, "norm of step " + step, new double[] {training.optimizer.gradNorm()});
                if (step == 0) {
                    for (var parameter : training.model.parameters().all()) {
                        add(names, results, "gradient of " + parameter.name(), toDoubles(backend, parameter.grad()));
                    }
                }
            }
            training.optimizer.finish();
            for (var parameter : training.model.parameters().all()) {
                add(names, results, "weights " + parameter.name(), toDoubles(backend, parameter.master()));
            }
            training.model.forward(training.model.place(batch(CONFIG, 2, 2300, 9)));
            add(
                    names,
                    results,
                    "losses after three steps",
                    training.model.takeLosses().sums().stream()
                            .mapToDouble(Double::doubleValue)
                            .toArray());
        }
        return results;
    }

    private static void add(List<String> names, List<double[]> results, String name, double[] values) {
        names.add(name);
        results.add(values);
    }

    @Test
    void trainsAsTheCpuDoes() {
        var names = new ArrayList<String>();
        List<double[]> expected;
        try (var cpu = Backends.open("cpu", BackendOptions.defaults())) {
            expected = threeSteps(cpu, names);
        }
        try (var cuda = open(Precision.FLOAT32)) {
            var actual = threeSteps(cuda, new ArrayList<>());
            var errors = new ArrayList<RelativeError>();
            for (int i = 0; i < names.size(); i++) {
                errors.add(RelativeError.of(names.get(i), expected.get(i), actual.get(i)));
            }
            // Three steps of Adam magnify rounding where a gradient is near zero: weights are compared by what they do,
            // in the losses.
            assertWithin(
                    errors.stream()
                            .filter(error -> !error.name().startsWith("weights"))
                            .toList(),
                    1e-4);
            assertWithin(errors, 5e-3);
        }
    }

    @Test
    void twoRunsGiveTheSameBits() {
        List<double[]> first;
        List<double[]> second;
        try (var cuda = open(Precision.BF16)) {
            first = threeSteps(cuda, new ArrayList<>());
        }
        try (var cuda = open(Precision.BF16)) {
            second = threeSteps(cuda, new ArrayList<>());
        }
        for (int i = 0; i < first.size(); i++) {
            assertThat(second.get(i)).containsExactly(first.get(i));
        }
    }

    /**
     * An update put off into the next step gives the bits of one done at once, on batches as they come: in some steps a
     * modality is absent.
     *
     * @param absent digits: the steps of five in which the last modality has no token; - for none
     * @param evaluates whether held-out batches come between the steps
     */
    @ParameterizedTest
    @CsvSource({
        "256, 8, 8192, 2048, 3, -, 1, false, BF16",
        "256, 8, 8192, 2048, 3, 0, 1, false, BF16",
        "256, 8, 8192, 2048, 3, 2, 1, true, BF16",
        "256, 8, 8192, 2048, 3, 4, 1, false, BF16",
        "256, 8, 8192, 2048, 3, 12, 1, true, BF16",
        "256, 8, 8192, 2048, 3, 2, 3, false, BF16",
        "256, 8, 8192, 2048, 3, 12, 3, true, FLOAT32",
        "256, 8, 3067, 2048, 3, 2, 1, true, BF16",
        "256, 8, 3067, 2049, 3, 0, 3, true, FLOAT32",
        "256, 8, 3067, 2049, 2, 12, 1, false, BF16",
        "256, 8, 3067, 2048, 4, 4, 1, true, BF16",
        "256, 8, 8192, 2049, 3, 2, 1, false, BF16",
        "256, 8, 8192, 2049, 2, 0, 1, true, FLOAT32",
        "256, 8, 8192, 2049, 4, 12, 3, false, BF16",
        "256, 8, 300, 2048, 3, 2, 1, false, BF16",
        "256, 8, 300, 2049, 4, 0, 1, true, BF16",
        "256, 8, 300, 2048, 2, 12, 3, true, FLOAT32",
        "256, 8, 300, 2049, 3, 4, 1, false, FLOAT32",
        "1024, 12, 8192, 4096, 3, 2, 1, true, BF16",
        "1024, 12, 8192, 4096, 3, 12, 3, false, BF16",
        "1024, 12, 8192, 4096, 3, 0, 1, false, FLOAT32",
        "1024, 12, 8192, 4096, 3, 4, 1, true, FLOAT32"
    })
    void anUpdatePutOffGivesTheBitsOfOneDoneAtOnce(
            int dModel,
            int blocks,
            int vocabulary,
            int length,
            int modalities,
            String absent,
            int accumulation,
            boolean evaluates,
            Precision precision) {
        var config = mixture(dModel, blocks, vocabulary, modalities);
        var losses = new ArrayList<List<Double>>();
        var states = new ArrayList<List<float[]>>();
        try (var backend = open(precision)) {
            for (boolean atOnce : new boolean[] {true, false}) {
                try (var training = new Training(backend, config, Recompute.NOTHING)) {
                    var seen = new ArrayList<Double>();
                    for (int step = 0; step < 5; step++) {
                        int present = absent.contains("" + step) ? modalities - 1 : modalities;
                        for (int i = 0; i < accumulation; i++) {
                            // Of a step's batches only one lacks the modality in any case.
                            int of = i == 0 ? present : modalities;
                            var placed = training.model.place(batch(config, of, 2, length, 10L * step + i));
                            training.model.forwardBackward(placed, 1e-4, new MicroBatch(i, accumulation));
                        }
                        training.update();
                        if (atOnce) {
                            training.optimizer.finish();
                        }
                        if (evaluates) {
                            training.model.forward(training.model.place(batch(config, 1, length, 1000 + step)));
                        }
                        seen.addAll(training.model.takeLosses().sums());
                        seen.add(training.optimizer.gradNorm());
                    }
                    losses.add(seen);
                    states.add(training.state());
                }
            }
        }
        assertThat(losses.get(1)).isEqualTo(losses.get(0)).allMatch(Double::isFinite);
        for (int i = 0; i < states.getFirst().size(); i++) {
            assertThat(Arrays.mismatch(states.get(1).get(i), states.get(0).get(i)))
                    .as("the first element that differs in buffer %d", i)
                    .isEqualTo(-1);
        }
    }

    /** Two models in turn on one backend, each with an update put off. */
    @Test
    void modelsDoNotDisturbEachOthersUpdates() {
        var config = mixture(256, 8, 3067, 3);
        try (var backend = open(Precision.BF16);
                var alone = new Training(backend, config, Recompute.NOTHING)) {
            for (int step = 0; step < 3; step++) {
                alone.forwardBackward(batch(config, 2, 2048, step), 1e-4);
                alone.update();
            }
            var expected = alone.state();
            try (var one = new Training(backend, config, Recompute.NOTHING);
                    var other = new Training(backend, config, Recompute.BLOCKS)) {
                for (int step = 0; step < 3; step++) {
                    for (var training : List.of(one, other)) {
                        training.forwardBackward(batch(config, 2, 2048, step), 1e-4);
                        training.update();
                    }
                }
                for (var training : List.of(one, other)) {
                    var state = training.state();
                    for (int i = 0; i < expected.size(); i++) {
                        assertThat(Arrays.equals(state.get(i), expected.get(i))).isTrue();
                    }
                }
            }
        }
    }

    /** A rehearsed step takes no gradient over into weights or moments. */
    @Test
    void aRehearsalChangesNothing() {
        try (var backend = open(Precision.BF16);
                var training = new Training(backend, LARGE, Recompute.NOTHING)) {
            var before = training.state();
            for (int step = 0; step < 2; step++) {
                training.forwardBackward(batch(LARGE, 2, 2300, step), 1e-3);
                training.optimizer.rehearse(new AdamW(1, 1, 0.9, 0.95, 1e-8, 0.1, 1));
            }
            var after = training.state();
            for (int i = 0; i < before.size(); i++) {
                assertThat(Arrays.equals(after.get(i), before.get(i))).isTrue();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aTiedHeadTrainsAsTheCpusDoes(Precision precision) {
        var config = mixture(64, 3, 1003, 3).withTiedEmbeddings();
        var gradients = new ArrayList<double[]>();
        for (var backend : List.of(Backends.open("cpu", BackendOptions.defaults()), open(precision))) {
            try (backend;
                    var training = new Training(backend, config, Recompute.NOTHING)) {
                for (int step = 0; step < 2; step++) {
                    training.forwardBackward(batch(config, 2, 2300, step), 1e-4);
                    training.update();
                }
                training.forwardBackward(batch(config, 2, 2300, 2), 1e-4);
                gradients.add(training.gradients());
            }
        }
        var error = RelativeError.of("gradients", gradients.get(0), gradients.get(1));
        assertThat(error.within(precision == Precision.BF16 ? 5e-2 : 5e-3))
                .as(error.describe())
                .isTrue();
    }

    /**
     * Most of it is summed beside the scans of backward; a modality that is absent has zeros, and a pass over another
     * batch before any step makes what was summed void.
     */
    @ParameterizedTest
    @EnumSource(Precision.class)
    void theNormIsThatOfAllGradients(Precision precision) {
        try (var backend = open(precision);
                var training = new Training(backend, LARGE, Recompute.NOTHING)) {
            for (int batches = 1; batches <= 3; batches++) {
                for (int i = 0; i < batches; i++) {
                    var placed = training.model.place(batch(LARGE, 2, 2, 2300, i));
                    training.model.forwardBackward(placed, 1e-3, new MicroBatch(i % 2, Math.min(2, batches)));
                }
                double expected = Arrays.stream(training.gradients())
                        .map(value -> value * value)
                        .sum();
                training.update();
                assertThat(training.optimizer.gradNorm()).isCloseTo(Math.sqrt(expected), withinPercentage(1e-9));
            }
        }
    }

    @Test
    void whatIsBeyondTheModelIsRefusedBeforeAnythingIsWritten() {
        try (var backend = open(Precision.BF16);
                var training = new Training(backend, CONFIG, Recompute.NOTHING)) {
            training.forwardBackward(batch(CONFIG, 1, 100, 1), 1e-3);
            var before = training.gradients();
            var larger = mixture(64, 3, 1004 + 500, 3);
            assertThatExceptionOfType(UserException.class)
                    .isThrownBy(() -> training.forwardBackward(batch(larger, 1, 3000, 2), 1e-3))
                    .withMessageContaining("beyond the model's vocabulary of 1003")
                    .withMessageNotContaining("\n");
            var ids = TokenIds.of(0, 1003, 5);
            var table = backend.memory().zeros("a table", backend.accumulationType(), 1003, 64);
            assertThatExceptionOfType(IllegalArgumentException.class)
                    .isThrownBy(() -> backend.embeddingBackward(ids, table, table))
                    .withMessageContaining("1003");
            assertThat(training.gradients()).containsExactly(before);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void recomputationGivesTheSameBits(Precision precision) {
        try (var backend = open(precision);
                var kept = new Training(backend, CONFIG, Recompute.NOTHING);
                var recomputed = new Training(backend, CONFIG, Recompute.BLOCKS)) {
            for (var training : List.of(kept, recomputed)) {
                training.forwardBackward(batch(CONFIG, 2, 700, 3), 1e-3);
            }
            assertThat(recomputed.gradients()).containsExactly(kept.gradients());
        }
    }

    @Test
    void gradientsOfSeveralBatchesAddUp() {
        try (var backend = open(Precision.FLOAT32);
                var training = new Training(backend, CONFIG, Recompute.NOTHING)) {
            var one = batch(CONFIG, 1, 300, 4);
            var other = batch(CONFIG, 2, 150, 5);
            training.forwardBackward(one, 1e-3);
            var ofOne = training.gradients();
            training.forwardBackward(other, 1e-3);
            var ofOther = training.gradients();
            training.model.forwardBackward(training.model.place(one), 1e-3, new MicroBatch(0, 2));
            training.model.forwardBackward(training.model.place(other), 1e-3, new MicroBatch(1, 2));
            var expected = new double[ofOne.length];
            Arrays.setAll(expected, i -> ofOne[i] + ofOther[i]);
            var error = RelativeError.of("gradients", expected, training.gradients());
            assertThat(error.within(1e-5)).as(error.describe()).isTrue();
        }
    }

    @Test
    void batchesTravelWithoutOvertakingTheWork() {
        try (var backend = open(Precision.BF16);
                var training = new Training(backend, CONFIG, Recompute.NOTHING)) {
            var batches = Stream.of(11, 12, 13, 14, 15)
                    .map(seed -> batch(CONFIG, 2, 900, seed))
                    .toList();
            int count = batches.size();
            var alone = new ArrayList<List<Double>>();
            for (int i = 0; i < count; i++) {
                var placed = training.model.place(batches.get(i));
                training.model.forwardBackward(placed, 1e-3, new MicroBatch(i, count));
                backend.synchronize();
                alone.add(training.model.takeLosses().sums());
            }
            var gradientsAlone = training.gradients();
            // Each batch is placed before the one before it is worked on, and nothing waits.
            var placed = training.model.place(batches.getFirst());
            for (int i = 0; i < count; i++) {
                var current = placed;
                if (i + 1 < count) {
                    placed = training.model.place(batches.get(i + 1));
                }
                training.model.forwardBackward(current, 1e-3, new MicroBatch(i, count));
            }
            assertThat(training.gradients()).containsExactly(gradientsAlone);
            double total = alone.stream()
                    .flatMap(List::stream)
                    .mapToDouble(Double::doubleValue)
                    .sum();
            assertThat(training.model.takeLosses().sums().stream()
                            .mapToDouble(Double::doubleValue)
                            .sum())
                    .isCloseTo(total, org.assertj.core.api.Assertions.withinPercentage(1e-9));
        }
    }

    /** Products large enough to run side by side. */
    @Test
    void slabsBesideEachOtherGiveTheBitsOfSlabsAlone() {
        int in = 1024;
        int out = 4096;
        var slabs = new Slabs(0, 900, 900, 6000);
        try (var backend = open(Precision.BF16)) {
            var random = new SplittableRandom(6);
            var x = uniform(backend, random, backend.dtype(), slabs.end(2), in);
            var gradOut = uniform(backend, random, backend.dtype(), slabs.end(2), out);
            var weights = new ArrayList<Tensor>();
            var together = new ArrayList<Tensor>();
            var alone = new ArrayList<Tensor>();
            for (int slab = 0; slab < slabs.count(); slab++) {
                weights.add(uniform(backend, random, backend.dtype(), out, in));
                together.add(backend.memory().zeros("gradients", DType.FLOAT32, out, in));
                alone.add(backend.memory().zeros("gradients", DType.FLOAT32, out, in));
            }
            var y = backend.workspace().tensor(backend.dtype(), slabs.end(2), out);
            var gradX = backend.workspace().tensor(backend.dtype(), slabs.end(2), in);
            var yAlone = backend.workspace().tensor(backend.dtype(), slabs.end(2), out);
            var gradXAlone = backend.workspace().tensor(backend.dtype(), slabs.end(2), in);
            backend.linearForward(x, weights, slabs, y);
            backend.linearBackward(gradOut, x, weights, slabs, gradX, Write.OVERWRITE, together, Write.ADD);
            for (int slab : new int[] {0, 2}) {
                int from = slabs.start(slab);
                int to = slabs.end(slab);
                var one = new Slabs(0, to - from);
                var weight = List.of(weights.get(slab));
                backend.linearForward(x.rows(from, to), weight, one, yAlone.rows(from, to));
                backend.linearBackward(
                        gradOut.rows(from, to),
                        x.rows(from, to),
                        weight,
                        one,
                        gradXAlone.rows(from, to),
                        Write.OVERWRITE,
                        List.of(alone.get(slab)),
                        Write.OVERWRITE);
            }
            assertThat(toDoubles(backend, y)).isEqualTo(toDoubles(backend, yAlone));
            assertThat(toDoubles(backend, gradX)).isEqualTo(toDoubles(backend, gradXAlone));
            for (int slab = 0; slab < slabs.count(); slab++) {
                var sums = toDoubles(backend, together.get(slab));
                assertThat(sums).isEqualTo(toDoubles(backend, alone.get(slab)));
                assertThat(Arrays.stream(sums).allMatch(value -> value == 0)).isEqualTo(slabs.size(slab) == 0);
            }
        }
    }

    private static Tensor uniform(Backend backend, SplittableRandom random, DType dtype, int rows, int columns) {
        var host = Tensor.ofDoubles(random.doubles((long) rows * columns, -1, 1).toArray())
                .reshape(rows, columns);
        var tensor = backend.workspace().tensor(dtype, rows, columns);
        backend.memory().copy(host, tensor);
        return tensor;
    }

    @Test
    void aGradientThatIsNoNumberChangesNothing() {
        try (var backend = open(Precision.BF16);
                var training = new Training(backend, CONFIG, Recompute.NOTHING)) {
            var before = training.weights();
            training.forwardBackward(batch(CONFIG, 2, 300, 3), 1e-3);
            // The last parameters' gradients are summed when the step ends.
            var grad = training.model.parameters().grad();
            backend.memory().fill(grad.rows(grad.rows() - 1, grad.rows()).columns(0, 1), Double.NaN);
            training.update();
            assertThat(training.weights()).containsExactly(before);
            assertThat(training.optimizer.gradNorm()).isNaN();
        }
    }

    @Test
    void aFullCardIsOneLine() {
        try (var backend = open(Precision.BF16)) {
            var weights = backend.memory().allocate(1 << 20, "weights");
            assertThatExceptionOfType(FailureException.class)
                    .isThrownBy(() -> backend.memory().allocate(1L << 42, "activations"))
                    .withMessageContaining("4,194,304 MiB asked for activations")
                    .withMessageContaining("weights 1 MiB")
                    .withMessageNotContaining("\n");
            backend.memory().free(weights);
        }
    }

    @Test
    void countsEnergyAndKnowsItsRate() {
        try (var backend = open(Precision.BF16)) {
            assertThat(backend.description()).containsKeys("device", "driver", "architecture");
            double before = backend.energyJoules().orElseThrow();
            for (int i = 0; i < 20; i++) {
                var training = new Training(backend, CONFIG, Recompute.NOTHING);
                training.model.forward(training.model.place(batch(CONFIG, 2, 2000, i)));
                training.close();
            }
            backend.synchronize();
            assertThat(backend.energyJoules().orElseThrow()).isGreaterThanOrEqualTo(before);
        }
    }
}
