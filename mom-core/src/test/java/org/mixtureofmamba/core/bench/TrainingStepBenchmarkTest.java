package org.mixtureofmamba.core.bench;

import java.time.Duration;
import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TrainingStepBenchmarkTest {
    @Test
    void trainsAndMeasures() {
        var config = MambaConfig.mixture(Scale.NANO, 97, 3);
        var benchmark = new TrainingStepBenchmark(config, 2, 64, Duration.ofMillis(1), 6, 3, Recompute.NOTHING);
        try (var backend = Backends.open("cpu", BackendOptions.defaults())) {
            var result = benchmark.run(backend);
            assertThat(result.loss()).isPositive().isLessThan(Math.log(97));
            assertThat(result.tokensPerSecond()).isPositive();
            assertThat(result.flopsUtilisation().orElseThrow()).isPositive();
            assertThat(result.peakMemoryBytes()).isGreaterThan(4 * 4 * result.parameters());
            assertThat(benchmark.run(backend).loss())
                    .as("a second run on the same backend")
                    .isEqualTo(result.loss());
        }
    }

    @Test
    void batchesHaveSpansDocumentsAndTargets() {
        var batch = new SyntheticBatches(3, 700, 99, 3, 5).next();
        var layout = batch.layout();
        assertThat(layout.slabs().size(0)).isPositive();
        assertThat(layout.slabs().size(1)).isPositive();
        assertThat(layout.slabs().size(2)).isPositive();
        assertThat(batch.lossTokens().total()).isBetween(2000L, 2097L);
        double starts = 0;
        for (double start : layout.documentStart().toDoubles()) {
            starts += start;
        }
        assertThat(starts).isGreaterThan(3);
        assertThat(Arrays.stream(batch.inputs().values().toDoubles())).allMatch(id -> id >= 0 && id < 99);
    }

    @Test
    void refusesNoSteps() {
        assertThatThrownBy(() -> new TrainingStepBenchmark(
                        MambaConfig.dense(Scale.NANO, 97, 3), 2, 64, Duration.ZERO, 0, 0, Recompute.NOTHING))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("steps");
    }
}
