package org.mixtureofmamba.core.model;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.parity.RelativeError;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * The closed formula of {@link ModelFlops} against operations counted one by one, in a model whose loss and gradients are
 * those of {@link LanguageModel} on the reference backend: what is counted is what is trained.
 */
class CountedModelTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(18, 2, 11, 3, EnumSet.allOf(Projection.class), 3, 4, 2, true, 1e-5);
    private static final int[] INPUTS = {1, 4, 10, 0, 7, 7, 2};
    private static final int[] TARGETS = {4, 10, 0, 7, 7, 2, 9};
    private static final int[] MODALITY = {0, 0, 2, 1, 1, 2, 0};

    @Test
    void theFormulaIsWhatTheModelDoes() {
        int tokens = INPUTS.length;
        double scale = 1.0 / tokens;
        var weights = new HashMap<String, double[]>();
        try (var backend = Backends.open("reference", BackendOptions.defaults());
                var model = new LanguageModel(CONFIG, backend, LanguageModel.Recompute.NOTHING, 3)) {
            model.parameters()
                    .all()
                    .forEach(p -> weights.put(p.name(), p.master().toDoubles()));
            var counted = new CountedModel(CONFIG, weights, MODALITY);
            var result = counted.run(INPUTS, TARGETS, scale);

            model.forwardBackward(model.place(batch()), scale);
            var losses = model.takeLosses();
            assertThat(result.loss() / tokens).isCloseTo(losses.mean(), within(1e-12));
            for (var parameter : model.parameters().all()) {
                var error = RelativeError.of(
                        parameter.name(), parameter.grad().toDoubles(), counted.gradient(parameter.name()));
                assertThat(error.within(1e-11)).as(error.describe()).isTrue();
            }

            var formula = new ModelFlops(
                    CONFIG.dModel(),
                    CONFIG.dInner(),
                    CONFIG.dState(),
                    CONFIG.dtRank(),
                    CONFIG.dConv(),
                    CONFIG.blocks(),
                    CONFIG.vocabulary());
            assertThat(formula.model(tokens)).isEqualTo(result.count());
        }
    }

    private static TokenBatch batch() {
        var bytes = new byte[MODALITY.length];
        IntStream.range(0, bytes.length).forEach(t -> bytes[t] = (byte) MODALITY[t]);
        var starts = new boolean[MODALITY.length];
        starts[0] = true;
        return TokenBatch.of(1, MODALITY.length, 3, INPUTS, TARGETS, bytes, bytes, starts);
    }
}
