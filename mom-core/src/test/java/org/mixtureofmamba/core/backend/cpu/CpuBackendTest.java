package org.mixtureofmamba.core.backend.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Optimizer;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class CpuBackendTest {
    private static final MambaConfig CONFIG = MambaConfig.mixture(Scale.NANO, 301, 3);

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4})
    void anyNumberOfThreadsGivesTheSameBits(int threads) {
        assertThat(weightsAfterTraining(threads)).containsExactly(weightsAfterTraining(2));
    }

    /** Two steps of training on sequences long enough for several chunks, tiles and documents. */
    private static double[] weightsAfterTraining(int threads) {
        try (var backend = new CpuBackend(threads);
                var model = new Model(CONFIG, backend, Model.Recompute.NOTHING, 7);
                var optimizer = new Optimizer(backend, model)) {
            for (int step = 1; step <= 2; step++) {
                model.forwardBackward(model.place(batch(step)), 1e-3);
                optimizer.step(new AdamW(step, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1));
            }
            return model.parameters().master().toDoubles();
        }
    }

    private static TokenBatch batch(long seed) {
        var random = new SplittableRandom(seed);
        int tokens = 3 * 211;
        var inputs = new int[tokens];
        var targets = new int[tokens];
        var modality = new byte[tokens];
        var starts = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            inputs[t] = random.nextInt(301);
            targets[t] = random.nextInt(301);
            modality[t] = (byte) random.nextInt(3);
            starts[t] = random.nextInt(40) == 0;
        }
        return TokenBatch.of(3, 211, 3, inputs, targets, modality, modality, starts);
    }

    @Test
    void openingAndClosingDoesNotGrow() throws IOException {
        long before = 0;
        for (int i = 0; i < 24; i++) {
            if (i == 8) {
                before = residentBytes();
            }
            try (var backend = new CpuBackend(2)) {
                // Never given back: closing the backend must free it.
                backend.memory().zeros("64 MiB", DType.FLOAT32, 1 << 24);
                backend.workspace().tensor(DType.FLOAT32, 1 << 20);
                backend.place(batch(i));
            }
        }
        assertThat(residentBytes() - before).isLessThan(3 * (64L << 20));
    }

    private static long residentBytes() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                            .findFirst()
                            .orElseThrow()
                    << 10;
        }
    }

    @Test
    void refusesWhatItCouldNotReadByAddress() {
        try (var backend = new CpuBackend(2)) {
            var memory = backend.memory();
            var table = memory.zeros("table", DType.FLOAT32, 5, 8);
            var out = memory.zeros("out", DType.FLOAT32, 2, 8);
            assertThatThrownBy(() -> backend.embeddingForward(TokenIds.of(4, 5), table, out))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("index 5");
            assertThatThrownBy(() -> TokenIds.of(1, -1)).hasMessageContaining("-1 is below 0");
            assertThatThrownBy(() -> backend.embeddingForward(
                            TokenIds.of(1, 2),
                            table,
                            Tensor.ofFloats(new float[16]).reshape(2, 8)))
                    .hasMessageContaining("native memory");
            assertThatThrownBy(() -> backend.embeddingForward(TokenIds.of(1, 2), table, out.columns(0, 7)))
                    .hasMessageContaining("[5, 8] where [5, 7]");
        }
    }

    @Test
    void anExceptionInAWorkerReachesTheCaller() {
        try (var pool = new WorkerPool(3)) {
            assertThatThrownBy(() -> pool.run(50, (item, worker) -> {
                        if (item == 37) {
                            throw new IllegalStateException("item " + item);
                        }
                    }))
                    .hasMessage("item 37");
            var done = new int[50];
            pool.run(50, (item, worker) -> done[item]++);
            assertThat(done).containsOnly(1);
        }
    }

    @Test
    void aNaNAmongLogitsMakesTheLossNaN() {
        try (var backend = new CpuBackend(1)) {
            var memory = backend.memory();
            var x = memory.zeros("x", DType.FLOAT32, 1, 8);
            var head = memory.zeros("head", DType.FLOAT32, 40, 8);
            var sums = memory.zeros("sums", DType.FLOAT64, 1);
            memory.fill(x, 1);
            backend.crossEntropyForward(x, head, TokenIds.of(3), Tensor.ofInts(0), sums);
            assertThat(sums.get(0, 0)).isCloseTo(Math.log(40), org.assertj.core.data.Offset.offset(1e-6));
            head.set(17, 2, Double.NaN);
            backend.crossEntropyForward(x, head, TokenIds.of(3), Tensor.ofInts(0), sums);
            assertThat(sums.get(0, 0)).isNaN();
        }
    }
}
