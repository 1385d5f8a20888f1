package org.mixtureofmamba.reference;

import java.util.function.Supplier;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A batch that is none of the model's is one line, before anything is written. */
class ModelRefusalTest {
    private static final int VOCABULARY = 300;

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void aBatchOfOtherTokensOrModalitiesIsRefused(String name) {
        try (var backend = Backends.open(name, BackendOptions.defaults())) {
            assertRefuses(backend);
        }
    }

    static void assertRefuses(Backend backend) {
        var config = MambaConfig.dense(16, 1, VOCABULARY, 2);
        try (var model = new Model(config, backend, Model.Recompute.NOTHING, 3)) {
            var sound = batch(2, 17, 299, 1);
            model.forward(model.place(sound));
            double loss = model.takeLosses().mean();
            // Placed, and still to be read when the others are refused.
            var placed = model.place(sound);
            assertRefused(() -> model.place(batch(2, 300, 4, 1)), "token id 300", "vocabulary of 300");
            assertRefused(() -> model.place(batch(2, 4, 301, 1)), "token id 301", "vocabulary of 300");
            assertRefused(() -> model.place(batch(3, 4, 5, 1)), "3 modalities", "model of 2");
            assertRefused(() -> model.place(batch(1, 4, 5, 0)), "1 modalities", "model of 2");
            model.forward(placed);
            assertThat(model.takeLosses().mean()).isEqualTo(loss);
        }
    }

    private static void assertRefused(Supplier<?> placing, String what, String limit) {
        assertThatThrownBy(placing::get)
                .isInstanceOf(UserException.class)
                .hasMessageContainingAll(what, limit)
                .hasMessageNotContaining("\n");
    }

    /** Six tokens of the modality 0, of which one input, one target and its modality are given. */
    private static TokenBatch batch(int modalities, int input, int target, int targetModality) {
        return TokenBatch.of(
                2,
                3,
                modalities,
                new int[] {1, 2, input, 3, 4, 5},
                new int[] {1, 2, 3, target, 4, 5},
                new byte[6],
                new byte[] {0, 0, 0, (byte) targetModality, 0, -1},
                new boolean[6]);
    }
}
