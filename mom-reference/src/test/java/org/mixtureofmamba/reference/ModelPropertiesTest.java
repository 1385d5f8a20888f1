package org.mixtureofmamba.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.modality.ModalityCounts;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.model.RecurrentState;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.core.parity.RelativeError;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What must hold of a model whatever its weights, on the backends that run anywhere. */
class ModelPropertiesTest {
    private static final int VOCABULARY = 19;
    private static final int LENGTH = 12;
    private static final Set<Projection> ALL = EnumSet.allOf(Projection.class);

    private static final Map<String, Backend> BACKENDS = new LinkedHashMap<>();

    @BeforeAll
    static void open() {
        for (var name : List.of("reference", "cpu")) {
            BACKENDS.put(name, Backends.open(name, BackendOptions.defaults()));
        }
    }

    @AfterAll
    static void close() {
        BACKENDS.values().forEach(Backend::close);
        BACKENDS.clear();
    }

    /** Tokens in sequence order, to be changed and batched. */
    private record Tokens(
            int batch, int[] inputs, int[] targets, byte[] modality, byte[] targetModality, boolean[] starts) {
        static Tokens random(int batch, long seed) {
            var random = new SplittableRandom(seed);
            int tokens = batch * LENGTH;
            var modality = new byte[tokens];
            var targetModality = new byte[tokens];
            for (int t = 0; t < tokens; t++) {
                modality[t] = (byte) random.nextInt(3);
                targetModality[t] = (byte) random.nextInt(3);
            }
            return new Tokens(
                    batch,
                    random.ints(tokens, 0, VOCABULARY).toArray(),
                    random.ints(tokens, 0, VOCABULARY).toArray(),
                    modality,
                    targetModality,
                    new boolean[tokens]);
        }

        TokenBatch toBatch() {
            return TokenBatch.of(batch, inputs.length / batch, 3, inputs, targets, modality, targetModality, starts);
        }

        /** Only token t's target counts. */
        Tokens withLossAt(int t) {
            var only = new byte[targetModality.length];
            Arrays.fill(only, (byte) -1);
            only[t] = targetModality[t];
            return new Tokens(batch, inputs, targets, modality, only, starts);
        }

        /** Modality m becomes {@code to[m]}. */
        Tokens renamed(int... to) {
            return new Tokens(batch, inputs, targets, renamed(modality, to), renamed(targetModality, to), starts);
        }

        private static byte[] renamed(byte[] modality, int... to) {
            var renamed = new byte[modality.length];
            for (int t = 0; t < renamed.length; t++) {
                renamed[t] = (byte) to[modality[t]];
            }
            return renamed;
        }

        /** Tokens {@code from} to {@code to} of every sequence. */
        Tokens piece(int from, int to) {
            int length = to - from;
            var piece = new Tokens(
                    batch,
                    new int[batch * length],
                    new int[batch * length],
                    new byte[batch * length],
                    new byte[batch * length],
                    new boolean[batch * length]);
            for (int b = 0; b < batch; b++) {
                int at = b * (inputs.length / batch) + from;
                System.arraycopy(inputs, at, piece.inputs, b * length, length);
                System.arraycopy(targets, at, piece.targets, b * length, length);
                System.arraycopy(modality, at, piece.modality, b * length, length);
                System.arraycopy(targetModality, at, piece.targetModality, b * length, length);
                System.arraycopy(starts, at, piece.starts, b * length, length);
            }
            return piece;
        }

        Tokens slice(int from, int to) {
            return new Tokens(
                    1,
                    Arrays.copyOfRange(inputs, from, to),
                    Arrays.copyOfRange(targets, from, to),
                    Arrays.copyOfRange(modality, from, to),
                    Arrays.copyOfRange(targetModality, from, to),
                    Arrays.copyOfRange(starts, from, to));
        }
    }

    private static Model model(Backend backend, Set<Projection> split, boolean reset) {
        var config = MambaConfig.dense(16, 2, VOCABULARY, 3).withSplit(split).withReset(reset);
        return new Model(config, backend, Recompute.NOTHING, 5);
    }

    /** Each parameter of {@code to} is what {@code from} calls by another name. */
    private static void copyWeights(Model from, Model to, UnaryOperator<String> nameIn) {
        var source = new LinkedHashMap<String, Tensor>();
        from.parameters().all().forEach(parameter -> source.put(parameter.name(), parameter.master()));
        to.parameters()
                .all()
                .forEach(parameter ->
                        HostMemory.copyOnHost(source.get(nameIn.apply(parameter.name())), parameter.master()));
        to.parameters().refreshWorkingCopy();
    }

    private static double loss(Model model, Tokens tokens) {
        model.forward(model.place(tokens.toBatch()));
        return model.takeLosses().sums().stream()
                .mapToDouble(Double::doubleValue)
                .sum();
    }

    private static Map<String, double[]> gradients(Model model, List<Tokens> batches) {
        for (int i = 0; i < batches.size(); i++) {
            var micro = new Model.MicroBatch(i, batches.size());
            model.forwardBackward(model.place(batches.get(i).toBatch()), 1, micro);
        }
        var gradients = new LinkedHashMap<String, double[]>();
        model.parameters().all().forEach(p -> gradients.put(p.name(), p.grad().toDoubles()));
        return gradients;
    }

    private static void assertClose(Backend backend, String name, double[] expected, double[] actual) {
        var error = RelativeError.of(name, expected, actual);
        assertThat(error.within(64 * backend.dtype().epsilon()))
                .as(error.describe())
                .isTrue();
    }

    private static double[] sum(double[]... addends) {
        var sum = new double[addends[0].length];
        for (var addend : addends) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += addend[i];
            }
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void equalWeightsForAllModalitiesAreADenseModel(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(2, 1);
        try (var dense = model(backend, Set.of(), true);
                var mixture = model(backend, ALL, true)) {
            copyWeights(dense, mixture, key -> key.replaceAll("local_experts_(\\w+)\\.\\d", "$1"));
            assertClose(backend, "loss", new double[] {loss(dense, tokens)}, new double[] {loss(mixture, tokens)});

            var ofDense = gradients(dense, List.of(tokens));
            var ofMixture = gradients(mixture, List.of(tokens));
            ofDense.forEach((key, gradient) -> {
                var expert = key.replaceAll("\\.(\\w+_proj)\\.", ".local_experts_$1.0.");
                var parts = expert.equals(key)
                        ? new double[][] {ofMixture.get(key)}
                        : new double[][] {
                            ofMixture.get(expert),
                            ofMixture.get(
                                    expert.replace(".0.weight", ".1.weight").replace(".0.bias", ".1.bias")),
                            ofMixture.get(
                                    expert.replace(".0.weight", ".2.weight").replace(".0.bias", ".2.bias"))
                        };
                assertClose(backend, key, gradient, sum(parts));
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void renamingModalitiesWithTheirWeightsChangesNothing(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(2, 2);
        for (int[] to : new int[][] {{1, 2, 0}, {2, 1, 0}, {0, 2, 1}}) {
            UnaryOperator<String> oldName = key -> {
                var matcher =
                        Pattern.compile("(.*local_experts_\\w+\\.)(\\d)(\\..*)").matcher(key);
                if (!matcher.matches()) {
                    return key;
                }
                int renamed = Integer.parseInt(matcher.group(2));
                int old = List.of(0, 1, 2).stream()
                        .filter(m -> to[m] == renamed)
                        .findFirst()
                        .orElseThrow();
                return matcher.group(1) + old + matcher.group(3);
            };
            try (var before = model(backend, ALL, true);
                    var after = model(backend, ALL, true)) {
                copyWeights(before, after, oldName);
                before.forward(before.place(tokens.toBatch()));
                after.forward(after.place(tokens.renamed(to).toBatch()));
                var lossesBefore = before.takeLosses();
                var lossesAfter = after.takeLosses();
                for (int m = 0; m < 3; m++) {
                    assertThat(lossesAfter.counts().of(to[m]))
                            .isEqualTo(lossesBefore.counts().of(m));
                    assertClose(
                            backend,
                            "loss of modality " + m,
                            new double[] {lossesBefore.sums().get(m)},
                            new double[] {lossesAfter.sums().get(to[m])});
                }
                var gradientsBefore = gradients(before, List.of(tokens));
                gradients(after, List.of(tokens.renamed(to)))
                        .forEach((key, gradient) ->
                                assertClose(backend, key, gradientsBefore.get(oldName.apply(key)), gradient));
            }
        }
    }

    /** Every bit of a token's loss is the same whatever comes after it, and not whatever comes before. */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void theFutureDoesNotTouchThePast(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(1, 3);
        try (var model = model(backend, ALL, true)) {
            for (int changed = 1; changed < LENGTH; changed++) {
                var inputs = tokens.inputs.clone();
                inputs[changed] = (inputs[changed] + 1) % VOCABULARY;
                var other =
                        new Tokens(1, inputs, tokens.targets, tokens.modality, tokens.targetModality, tokens.starts);
                for (int t = 0; t < LENGTH; t++) {
                    double before = loss(model, tokens.withLossAt(t));
                    double after = loss(model, other.withLossAt(t));
                    if (t < changed) {
                        assertThat(after)
                                .as("token %d when %d changes", t, changed)
                                .isEqualTo(before);
                    } else {
                        assertThat(after)
                                .as("token %d when %d changes", t, changed)
                                .isNotEqualTo(before);
                    }
                }
            }
        }
    }

    /** What a later token is, its modality included, does not touch an earlier one either, though it moves its row. */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void aLaterModalityDoesNotTouchThePast(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(1, 4);
        int changed = LENGTH / 2;
        var modality = tokens.modality.clone();
        modality[changed] = (byte) ((modality[changed] + 1) % 3);
        var other = new Tokens(1, tokens.inputs, tokens.targets, modality, tokens.targetModality, tokens.starts);
        try (var model = model(backend, ALL, true)) {
            for (int t = 0; t < changed; t++) {
                assertClose(backend, "token " + t, new double[] {loss(model, tokens.withLossAt(t))}, new double[] {
                    loss(model, other.withLossAt(t))
                });
            }
            assertThat(loss(model, other.withLossAt(changed))).isNotEqualTo(loss(model, tokens.withLossAt(changed)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void packedDocumentsAreAsIfEachStoodAlone(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(1, 5);
        var bounds = new int[] {0, 1, 4, 9, LENGTH};
        var documents = new ArrayList<Tokens>();
        for (int i = 0; i + 1 < bounds.length; i++) {
            tokens.starts[bounds[i]] = true;
            documents.add(tokens.slice(bounds[i], bounds[i + 1]));
        }
        try (var packed = model(backend, ALL, true);
                var alone = model(backend, ALL, true);
                var leaking = model(backend, ALL, false)) {
            double apart = documents.stream()
                    .mapToDouble(document -> loss(alone, document))
                    .sum();
            assertClose(backend, "loss", new double[] {apart}, new double[] {loss(packed, tokens)});
            assertThat(Math.abs(loss(leaking, tokens) - apart))
                    .as("without resets documents leak")
                    .isGreaterThan(1e-4);

            var expected = gradients(alone, documents);
            gradients(packed, List.of(tokens))
                    .forEach((key, gradient) -> assertClose(backend, key, expected.get(key), gradient));
        }
    }

    /**
     * A batch of sequences, cut anywhere and gone on with from the state that each piece left: losses and the last
     * state are those of the full pass. One sequence has documents, one of which begins a piece; in one piece a
     * modality is absent.
     */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void prefillAndStepsAreTheFullPass(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(2, 8);
        tokens.starts[0] = true;
        tokens.starts[5] = true;
        tokens.starts[7] = true;
        for (int t = 5; t < 8; t++) {
            tokens.modality[t] = (byte) (t % 2);
            tokens.modality[LENGTH + t] = 1;
        }
        for (Set<Projection> split : List.of(Set.<Projection>of(), ALL)) {
            for (boolean reset : new boolean[] {true, false}) {
                try (var model = model(backend, split, reset);
                        var whole = model.newState(2)) {
                    double full = loss(model, tokens);
                    model.forward(model.place(tokens.toBatch()), whole);
                    assertClose(backend, "loss", new double[] {full}, losses(model));
                    for (int[] cuts : new int[][] {{1}, {5, 8}, {LENGTH - 1}, {2, 3, 4, 5, 6, 7, 9}}) {
                        assertCutEqualsWhole(backend, model, tokens, cuts, full, whole);
                    }
                }
            }
        }
    }

    private static double[] losses(Model model) {
        return new double[] {
            model.takeLosses().sums().stream().mapToDouble(Double::doubleValue).sum()
        };
    }

    private static void assertCutEqualsWhole(
            Backend backend, Model model, Tokens tokens, int[] cuts, double loss, RecurrentState whole) {
        try (var state = model.newState(tokens.batch)) {
            int from = 0;
            for (int i = 0; i <= cuts.length; i++) {
                int to = i < cuts.length ? cuts[i] : LENGTH;
                model.forward(model.place(tokens.piece(from, to).toBatch()), state);
                from = to;
            }
            assertClose(backend, "loss", new double[] {loss}, losses(model));
            for (int block = 0; block < whole.blocks().size(); block++) {
                var expected = whole.blocks().get(block).tensors();
                for (int i = 0; i < expected.size(); i++) {
                    assertClose(
                            backend,
                            "state %d of block %d after cuts %s".formatted(i, block, Arrays.toString(cuts)),
                            expected.get(i).toDoubles(),
                            state.blocks().get(block).tensors().get(i).toDoubles());
                }
            }
            state.reset();
            model.forward(model.place(tokens.toBatch()), state);
            assertClose(backend, "loss after a reset", new double[] {loss}, losses(model));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void aStateOfAnotherModelOrBatchIsRefused(String name) {
        var backend = BACKENDS.get(name);
        try (var model = model(backend, ALL, true);
                var other = model(backend, ALL, true);
                var state = other.newState(2)) {
            var two = Tokens.random(2, 9).toBatch();
            var three = Tokens.random(3, 9).toBatch();
            assertThatThrownBy(() -> model.forward(model.place(two), state))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("another model's");
            assertThatThrownBy(() -> other.forward(other.place(three), state))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("the state is of 2 sequences, the batch of 3");
            assertThat(state.blocks())
                    .allSatisfy(block -> assertThat(block.tensors())
                            .allSatisfy(tensor -> assertThat(tensor.toDoubles()).containsOnly(0)));
        }
    }

    /** The order of sequences in a batch, and what stands beside a sequence, do not matter to it. */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void sequencesOfABatchDoNotSeeEachOther(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(3, 6);
        try (var together = model(backend, ALL, true);
                var alone = model(backend, ALL, true)) {
            var sequences = List.of(
                    tokens.slice(0, LENGTH), tokens.slice(LENGTH, 2 * LENGTH), tokens.slice(2 * LENGTH, 3 * LENGTH));
            double apart = sequences.stream()
                    .mapToDouble(sequence -> loss(alone, sequence))
                    .sum();
            assertClose(backend, "loss", new double[] {apart}, new double[] {loss(together, tokens)});
            var expected = gradients(alone, sequences.reversed());
            gradients(together, List.of(tokens))
                    .forEach((key, gradient) -> assertClose(backend, key, expected.get(key), gradient));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void lossesAreCountedByTheModalityOfTheTarget(String name) {
        var backend = BACKENDS.get(name);
        var tokens = Tokens.random(2, 7);
        try (var model = model(backend, ALL, true)) {
            model.forward(model.place(tokens.toBatch()));
            var losses = model.takeLosses();
            var counts = new long[3];
            var sums = new double[3];
            for (int t = 0; t < tokens.inputs.length; t++) {
                counts[tokens.targetModality[t]]++;
                sums[tokens.targetModality[t]] += loss(model, tokens.withLossAt(t));
            }
            assertThat(losses.counts()).isEqualTo(new ModalityCounts(counts));
            assertClose(
                    backend,
                    "losses",
                    sums,
                    losses.sums().stream().mapToDouble(Double::doubleValue).toArray());
        }
    }
}
