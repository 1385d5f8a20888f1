package org.mixtureofmamba.reference;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.core.parity.RelativeError;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mixtureofmamba.reference.CentralDifference.assertGradient;

/** Every parameter of a whole small model against differences of its loss, in float64. */
class ModelGradientTest {
    private static final double SCALE = 0.5;

    private static Backend backend;

    @BeforeAll
    static void open() {
        backend = Backends.open("reference", BackendOptions.defaults());
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    private static MambaConfig config(int blocks, int modalities, Set<Projection> split) {
        return new MambaConfig(
                3, blocks, 5, modalities, split, 2, 3, 2, true, 1e-2, MambaConfig.OutProjScale.NONE, false);
    }

    /** Two sequences of 4 with documents inside, modalities 0 and 2 of 3, targets without a loss among them. */
    private static TokenBatch batch(int modalities) {
        var random = new SplittableRandom(3);
        int tokens = 8;
        var inputs = random.ints(tokens, 0, 5).toArray();
        var targets = random.ints(tokens, 0, 5).toArray();
        var modality = new byte[tokens];
        var targetModality = new byte[tokens];
        var starts = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            modality[t] = (byte) (modalities == 1 ? 0 : 2 * random.nextInt(2));
            targetModality[t] = (byte) (t % 4 == 2 ? -1 : random.nextInt(modalities));
            starts[t] = t == 2 || t == 7;
        }
        return TokenBatch.of(2, 4, modalities, inputs, targets, modality, targetModality, starts);
    }

    private static Map<String, double[]> gradients(Model model) {
        var gradients = new LinkedHashMap<String, double[]>();
        for (var parameter : model.parameters().all()) {
            gradients.put(parameter.name(), parameter.grad().toDoubles());
        }
        return gradients;
    }

    private static void check(MambaConfig config, TokenBatch batch) {
        try (var model = new Model(config, backend, Recompute.NOTHING, 1)) {
            // Larger than at the start of training, so that no gradient is lost in the noise.
            for (var parameter : model.parameters().all()) {
                var random = new SplittableRandom(parameter.name().hashCode());
                for (int i = 0; i < parameter.shape().size(); i++) {
                    int columns = parameter.shape().columns();
                    parameter.master().set(i / columns, i % columns, 0.7 * random.nextGaussian());
                }
            }
            model.forwardBackward(model.place(batch), SCALE);
            var losses = model.takeLosses();
            var once = gradients(model);
            DoubleSupplier loss = () -> {
                model.forward(model.place(batch));
                return SCALE
                        * model.takeLosses().sums().stream()
                                .mapToDouble(Double::doubleValue)
                                .sum();
            };
            assertThat(SCALE
                            * losses.sums().stream()
                                    .mapToDouble(Double::doubleValue)
                                    .sum())
                    .isEqualTo(loss.getAsDouble());
            for (var parameter : model.parameters().all()) {
                assertGradient(parameter.name(), parameter.master(), once.get(parameter.name()), loss);
            }
            assertThat(once).allSatisfy((name, gradient) -> {
                if (!name.contains(".1.weight") && !name.contains(".1.bias")) {
                    assertThat(Arrays.stream(gradient).anyMatch(g -> g != 0))
                            .as(name)
                            .isTrue();
                }
            });

            model.forwardBackward(model.place(batch), SCALE, new Model.MicroBatch(1, 2));
            assertThat(gradients(model)).allSatisfy((name, twice) -> {
                var doubled = Arrays.stream(once.get(name)).map(g -> 2 * g).toArray();
                assertThat(RelativeError.of(name, doubled, twice).within(1e-14))
                        .as(name)
                        .isTrue();
            });
        }
    }

    @Test
    void aBlockOfThreeModalitiesOfWhichOneIsAbsent() {
        check(config(1, 3, EnumSet.allOf(Projection.class)), batch(3));
    }

    @Test
    void twoDenseBlocks() {
        check(config(2, 1, Set.of()), batch(1));
    }

    /** The table's gradient is the embedding's and the head's, whatever the table's gradient held before. */
    @Test
    void aTiedEmbedding() {
        check(config(2, 3, EnumSet.of(Projection.IN)).withTiedEmbeddings(), batch(3));
    }

    @Test
    void anOutputProjectionScaledByDepth() {
        var plain = config(2, 3, Set.of());
        check(
                new MambaConfig(
                        plain.dModel(),
                        plain.blocks(),
                        plain.vocabulary(),
                        plain.modalities(),
                        plain.split(),
                        plain.dState(),
                        plain.dConv(),
                        plain.expand(),
                        plain.resetAtDocuments(),
                        plain.normEpsilon(),
                        MambaConfig.OutProjScale.SQRT_BLOCKS,
                        false),
                batch(3));
    }

    @Test
    void recomputedActivationsGiveTheSameBits() {
        var batch = batch(3);
        var config = config(2, 3, EnumSet.of(Projection.IN, Projection.DT));
        try (var kept = new Model(config, backend, Recompute.NOTHING, 1);
                var recomputed = new Model(config, backend, Recompute.BLOCKS, 1)) {
            kept.forwardBackward(kept.place(batch), SCALE);
            recomputed.forwardBackward(recomputed.place(batch), SCALE);
            var expected = gradients(kept);
            assertThat(recomputed.takeLosses()).isEqualTo(kept.takeLosses());
            gradients(recomputed)
                    .forEach((name, gradient) -> assertThat(gradient).as(name).containsExactly(expected.get(name)));
        }
    }
}
