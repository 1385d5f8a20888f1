package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.model.Losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TrainingRunTest {
    private static final int BATCH = 2;
    private static final int LENGTH = 24;
    /** Columns that only the clock and the meters decide: wall_s, tokens_per_s, mfu, energy_j. */
    private static final List<Integer> CLOCK = List.of(3, 10, 11, 12);

    @TempDir
    Path directory;

    @Test
    void learnsOneBatchByHeart() throws IOException {
        var batch = SyntheticData.batch(BATCH, LENGTH, 5);
        var data = new TrainingData(
                index -> batch, index -> batch, SyntheticData.VOCABULARY, 3, "one batch", Optional.empty(), () -> {});
        var config = config(
                "overfit", "steps=150", "optimizer.lr=0.02", "optimizer.schedule=constant", "optimizer.warmup=5");
        var losses = new ArrayList<Double>();
        new TrainingRun(config, data, collecting(losses), () -> false, Duration.ZERO).train(false);
        assertThat(losses.getFirst())
                .isBetween(Math.log(SyntheticData.VOCABULARY) - 0.5, Math.log(SyntheticData.VOCABULARY) + 0.5);
        assertThat(losses.getLast()).isLessThan(0.2);
    }

    /** A resumed run warms up with the moments and weights of its checkpoint. */
    @Test
    void warmingUpChangesNothing() {
        var losses = new ArrayList<List<Double>>();
        for (var warmUp : List.of(Duration.ZERO, Duration.ofMillis(200))) {
            var config = config("warm-" + warmUp.toMillis(), "steps=8", "checkpoint.every=4");
            var own = new ArrayList<Double>();
            for (int until : new int[] {4, 8}) {
                new TrainingRun(
                                config,
                                SyntheticData.of(BATCH, LENGTH, 0),
                                collecting(own),
                                () -> own.size() >= until,
                                warmUp)
                        .train(until == 8);
            }
            losses.add(own);
        }
        assertThat(losses.getFirst()).hasSize(8);
        assertThat(losses.getLast()).isEqualTo(losses.getFirst());
    }

    @Test
    void aRunStoppedAndResumedEqualsAnUnbrokenOne() throws IOException {
        var whole = config("whole", "steps=30", "checkpoint.every=10", "eval.every=7");
        run(whole, 30, false);
        var broken = config("broken", "steps=30", "checkpoint.every=10", "eval.every=7");
        run(broken, 13, false);
        run(broken, 30, true);
        assertThat(metrics("broken")).isEqualTo(metrics("whole")).hasSize(31);
        assertThat(Files.readString(directory.resolve("broken/heldout.csv")))
                .isEqualTo(Files.readString(directory.resolve("whole/heldout.csv")));
        assertThat(bytes("broken/checkpoints/step-30/model.safetensors"))
                .isEqualTo(bytes("whole/checkpoints/step-30/model.safetensors"));
        assertThat(bytes("broken/checkpoints/step-30/optimizer.safetensors"))
                .isEqualTo(bytes("whole/checkpoints/step-30/optimizer.safetensors"));
    }

    @Test
    void aKillLosesOnlyStepsSinceTheLastCheckpoint() throws IOException {
        var whole = config("whole", "steps=20", "checkpoint.every=5");
        run(whole, 20, false);
        var killed = config("killed", "steps=20", "checkpoint.every=5");
        var data = SyntheticData.of(BATCH, LENGTH, 0);
        var dying = new TrainingListener() {
            @Override
            public void stepped(StepMetrics metrics) {
                if (metrics.step() == 13) {
                    throw new IllegalStateException("killed");
                }
            }
        };
        assertThatThrownBy(() -> new TrainingRun(killed, data, dying, () -> false, Duration.ZERO).train(false))
                .hasMessage("killed");
        // What a kill in the middle of a write leaves behind.
        Files.writeString(
                directory.resolve("killed/metrics.csv"),
                Files.readString(directory.resolve("killed/metrics.csv")) + "14,67");
        Files.createDirectories(directory.resolve("killed/checkpoints/.step-15.part-1"));
        run(killed, 20, true);
        assertThat(metrics("killed")).isEqualTo(metrics("whole"));
        assertThat(checkpoints("killed")).containsExactlyInAnyOrder("step-15", "step-20");
    }

    @Test
    void resumingBeforeTheFirstCheckpointStartsAnew() throws IOException {
        var config = config("early", "steps=6", "checkpoint.every=100");
        var data = SyntheticData.of(BATCH, LENGTH, 0);
        var dying = new TrainingListener() {
            @Override
            public void stepped(StepMetrics metrics) {
                throw new IllegalStateException("killed");
            }
        };
        assertThatThrownBy(() -> new TrainingRun(config, data, dying, () -> false, Duration.ZERO).train(false))
                .hasMessage("killed");
        run(config, 6, true);
        assertThat(metrics("early")).hasSize(7);
    }

    @Test
    void accumulatedBatchesMakeOneStep() throws IOException {
        var config = config("accumulated", "steps=3", "optimizer.accumulation=4");
        run(config, 3, false);
        assertThat(metrics("accumulated").get(1)).contains("1," + 4 * BATCH * LENGTH + ",");
    }

    @Test
    void aDirectoryWithARunIsNotOverwritten() throws IOException {
        run(config("taken", "steps=2"), 2, false);
        assertThatThrownBy(() -> run(config("taken", "steps=2"), 2, false))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("--resume");
        assertThatThrownBy(() -> run(config("taken", "steps=2", "optimizer.lr=0.5"), 2, true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("optimizer.lr 0.01, not 0.5");
        Files.createDirectories(directory.resolve("other"));
        Files.writeString(directory.resolve("other/letter.txt"), "dear");
        assertThatThrownBy(() -> run(config("other", "steps=2"), 2, true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("holds no run");
    }

    @Test
    void aRunThatCouldNotBeginLeavesItsDirectoryFree() throws IOException {
        assertThatThrownBy(() -> run(config("failed", "backend.name=abacus"), 2, false))
                .isInstanceOf(UserException.class);
        run(config("failed", "steps=2"), 2, false);
        assertThat(metrics("failed")).hasSize(3);
    }

    @Test
    void aDamagedCheckpointIsNamedAndNotUsed() throws IOException {
        var config = config("damaged", "steps=4", "checkpoint.every=2");
        run(config, 2, false);
        var file = directory.resolve("damaged/checkpoints/step-2/model.safetensors");
        var bytes = Files.readAllBytes(file);
        bytes[bytes.length - 3] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> run(config, 4, true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("step-2 is damaged: model.safetensors");
    }

    @Test
    void aCheckpointOfOtherDataIsRefused() throws IOException {
        var config = config("moved", "steps=4", "checkpoint.every=2");
        run(config, 2, false);
        var data = SyntheticData.of(BATCH, LENGTH, 0);
        var other = new TrainingData(
                data.train(), data.heldOut(), data.vocabulary(), 3, "another", data.tokenizers(), () -> {});
        assertThatThrownBy(() ->
                        new TrainingRun(config, other, TrainingListener.SILENT, () -> false, Duration.ZERO).train(true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("other tokenizers or other data");
    }

    @Test
    void aCheckpointCarriesTheManifestOfItsTokenizersAndRefusesOthers() throws IOException {
        var config = config("carrying", "steps=4", "checkpoint.every=2");
        run(config, 2, false);
        var file = directory.resolve("carrying/checkpoints/step-2/tokenizers.json");
        assertThat(file).hasContent(SyntheticData.TOKENIZERS);
        var data = SyntheticData.of(BATCH, LENGTH, 0);
        var manifest = SyntheticData.TOKENIZERS.replace("\"2\"", "\"9\"");
        var other = new TrainingData(
                data.train(),
                data.heldOut(),
                data.vocabulary(),
                3,
                data.fingerprint(),
                Optional.of(manifest),
                () -> {});
        assertThatThrownBy(() ->
                        new TrainingRun(config, other, TrainingListener.SILENT, () -> false, Duration.ZERO).train(true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("another tokenizer of image");
        Files.writeString(file, manifest);
        assertThatThrownBy(() -> run(config, 4, true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("tokenizers.json is not what was written");
    }

    @Test
    void aLossThatIsNoNumberStopsTheRun() throws IOException {
        var config = config(
                "exploding",
                "steps=50",
                "optimizer.lr=1e30",
                "optimizer.clip=1e30",
                "optimizer.schedule=constant",
                "optimizer.warmup=0",
                "checkpoint.every=1",
                "checkpoint.keep=100");
        assertThatThrownBy(() -> run(config, 50, false))
                .isInstanceOf(FailureException.class)
                .hasMessageMatching("the loss at step \\d+ is .*");
        assertThat(Files.readString(directory.resolve("exploding/metrics.csv"))).doesNotContain("NaN");
    }

    private RunConfig config(String name, String... overrides) {
        var all = new ArrayList<>(List.of(
                "run=" + directory.resolve(name),
                "backend.name=cpu",
                "backend.threads=1",
                "model.scale=16x1",
                "model.d_state=4",
                "data.batch=" + BATCH,
                "data.length=" + LENGTH,
                "optimizer.lr=0.01",
                "optimizer.min_lr=0.001",
                "optimizer.warmup=3",
                "eval.batches=1"));
        all.addAll(List.of(overrides));
        return new ConfigReader().of(all);
    }

    /** Trains until a step is done, then asks to stop. */
    private static void run(RunConfig config, long until, boolean resume) {
        var done = new AtomicLong();
        var counting = new TrainingListener() {
            @Override
            public void stepped(StepMetrics metrics) {
                done.set(metrics.step());
            }
        };
        new TrainingRun(
                        config,
                        SyntheticData.of(BATCH, LENGTH, config.seed()),
                        counting,
                        () -> done.get() >= until,
                        Duration.ZERO)
                .train(resume);
    }

    private static TrainingListener collecting(List<Double> losses) {
        return new TrainingListener() {
            @Override
            public void stepped(StepMetrics metrics) {
                losses.add(metrics.losses().mean());
            }

            @Override
            public void evaluated(long step, Losses heldOut) {
                assertThat(heldOut.mean()).isFinite();
            }
        };
    }

    /** The rows of metrics.csv without what the clock decides. */
    private List<String> metrics(String run) throws IOException {
        return Files.readAllLines(directory.resolve(run).resolve("metrics.csv")).stream()
                .map(line -> {
                    var cells = new ArrayList<>(List.of(line.split(",", -1)));
                    CLOCK.forEach(column -> cells.set(column, ""));
                    return String.join(",", cells);
                })
                .toList();
    }

    private List<String> checkpoints(String run) throws IOException {
        try (Stream<Path> inside = Files.list(directory.resolve(run).resolve("checkpoints"))) {
            return inside.map(path -> path.getFileName().toString()).toList();
        }
    }

    private byte[] bytes(String file) throws IOException {
        return Files.readAllBytes(directory.resolve(file));
    }
}
