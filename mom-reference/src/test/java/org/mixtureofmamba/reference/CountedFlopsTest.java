package org.mixtureofmamba.reference;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
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

/** The closed formula of {@link Model#flops} against a model whose every operation is counted as it is done. */
class CountedFlopsTest {
    private static MambaConfig config(
            int dModel, int blocks, Set<Projection> split, int dState, int dConv, int expand) {
        return MambaConfig.dense(dModel, blocks, 11, 3).withSplit(split).withSizes(dState, dConv, expand);
    }

    static Stream<MambaConfig> configs() {
        return Stream.of(
                config(5, 2, Set.of(), 3, 4, 2),
                config(5, 2, EnumSet.allOf(Projection.class), 3, 4, 2),
                config(17, 1, EnumSet.of(Projection.X, Projection.OUT), 2, 3, 1),
                config(4, 3, EnumSet.of(Projection.DT), 1, 1, 3));
    }

    /** Every target counts: a formula of the number of tokens knows no others. */
    private static TokenBatch batch(int batch, int length, double documentRate) {
        var random = new SplittableRandom(9);
        int tokens = batch * length;
        var modality = new byte[tokens];
        var targetModality = new byte[tokens];
        var starts = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            modality[t] = (byte) random.nextInt(3);
            targetModality[t] = (byte) random.nextInt(3);
            starts[t] = random.nextDouble() < documentRate;
        }
        return TokenBatch.of(
                batch,
                length,
                3,
                random.ints(tokens, 0, 11).toArray(),
                random.ints(tokens, 0, 11).toArray(),
                modality,
                targetModality,
                starts);
    }

    @ParameterizedTest
    @MethodSource("configs")
    void theFormulaIsTheCount(MambaConfig config) {
        for (var batch : new TokenBatch[] {batch(1, 1, 0), batch(1, 7, 0), batch(3, 5, 0.3)}) {
            try (var backend = new CountedBackend();
                    var model = new Model(config, backend, Recompute.NOTHING, 1)) {
                var expected = model.flops(batch.layout().tokens());
                model.forward(model.place(batch));
                assertThat(backend.takeCount()).as("forward").isEqualTo(expected.forward());
                model.forwardBackward(model.place(batch), 0.5);
                assertThat(backend.takeCount()).as("training").isEqualTo(expected.training());
            }
        }
    }

    /** The count is of a model that computes what it should. */
    @Test
    void theCountedModelIsTheModel() {
        var config = config(5, 2, EnumSet.allOf(Projection.class), 3, 4, 2);
        try (var counted = new CountedBackend();
                var reference = Backends.open("reference", BackendOptions.defaults())) {
            var expected = gradients(config, reference);
            gradients(config, counted).forEach((name, gradient) -> {
                var error = RelativeError.of(name, expected.get(name), gradient);
                assertThat(error.within(1e-12)).as(error.describe()).isTrue();
            });
        }
    }

    private static Map<String, double[]> gradients(MambaConfig config, Backend backend) {
        var gradients = new LinkedHashMap<String, double[]>();
        try (var model = new Model(config, backend, Recompute.NOTHING, 1)) {
            model.forwardBackward(model.place(batch(3, 5, 0.3)), 0.5);
            gradients.put(
                    "losses",
                    model.takeLosses().sums().stream()
                            .mapToDouble(Double::doubleValue)
                            .toArray());
            model.parameters()
                    .all()
                    .forEach(p -> gradients.put(p.name(), p.grad().toDoubles()));
        }
        return gradients;
    }
}
