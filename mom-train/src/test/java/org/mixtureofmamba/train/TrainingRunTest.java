package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.nn.Losses;
import org.mixtureofmamba.train.tensorboard.Events;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TrainingRunTest {
    private static final int BATCH = SmallRuns.BATCH;
    private static final int LENGTH = SmallRuns.LENGTH;

    @TempDir
    Path directory;

    @Test
    void learnsOneBatchByHeart() throws IOException {
        var batch = SyntheticData.batch(BATCH, LENGTH, 5);
        var data = new TrainingData(
                index -> batch,
                SyntheticData.some(1, index -> batch),
                SyntheticData.VOCABULARY,
                3,
                "one batch",
                Optional.empty(),
                () -> {});
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
        assertThat(heldOut("broken")).isEqualTo(heldOut("whole")).hasSize(6);
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

    /** Loss tokens by modality add up to those of the batch, and the columns are named after the modalities. */
    @Test
    void metricsHoldTheTokensOfEachModality() throws IOException {
        run(config("counted", "steps=3", "optimizer.accumulation=2", "eval.every=3"), 3, false);
        for (var table : List.of("metrics.csv", "heldout.csv")) {
            var lines = Files.readAllLines(directory.resolve("counted").resolve(table));
            var columns = List.of(lines.getFirst().split(",", -1));
            var row = List.of(lines.getLast().split(",", -1));
            long total = 0;
            for (var modality : Modality.values()) {
                assertThat(columns).contains("loss_" + modality.key(), "tokens_" + modality.key());
                total += Long.parseLong(row.get(columns.indexOf("tokens_" + modality.key())));
            }
            int batches = table.equals("metrics.csv") ? 2 : 1;
            assertThat(total).as(table).isEqualTo(batches * BATCH * LENGTH);
            assertThat(row.get(columns.indexOf("tokens"))).isEqualTo(Integer.toString(3 * 2 * BATCH * LENGTH));
        }
        var spent = List.of("tokens", "flops", "wall_s", "energy_j");
        assertThat(cells("counted", "heldout.csv", spent)).isEqualTo(cells("counted", "metrics.csv", spent));
    }

    /** The last row's cells in some columns. */
    private List<String> cells(String run, String table, List<String> columns) throws IOException {
        var lines = Files.readAllLines(directory.resolve(run).resolve(table));
        var header = List.of(lines.getFirst().split(",", -1));
        var row = lines.getLast().split(",", -1);
        return columns.stream().map(column -> row[header.indexOf(column)]).toList();
    }

    /** An evaluation that takes as long as many steps is no part of the time of training. */
    @Test
    void theClockStandsWhileHeldOutDataAreLookedAt() throws IOException {
        var synthetic = SyntheticData.of(BATCH, LENGTH, 0);
        var slow = SyntheticData.some(1, index -> {
            LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
            return synthetic.heldOut().batch(index);
        });
        var data = new TrainingData(
                synthetic.train(), slow, synthetic.vocabulary(), 3, "slow", Optional.empty(), () -> {});
        var config = config("clock", "steps=5", "eval.every=1");
        new TrainingRun(config, data, TrainingListener.SILENT, () -> false, Duration.ZERO).train(false);
        assertThat(Double.parseDouble(
                        cells("clock", "heldout.csv", List.of("wall_s")).getFirst()))
                .isLessThan(0.8);
    }

    @Test
    void theUserHearsWhatAnEvaluationLacksAndCosts() {
        var told = SmallRuns.run(config("told", "steps=4", "eval.every=1", "eval.tokens=1000"), 4, false);
        assertThat(told.notes)
                .anyMatch(
                        note -> note.matches(
                                "the corpus has \\d+ held-out tokens of speech, fewer than the 1,000 of eval.tokens; all are used"))
                .anyMatch(note -> note.contains("4 held-out evaluations of 48 tokens add about 33 %"));
        assertThat(SmallRuns.run(config("silent", "steps=40"), 1, false).notes).isEmpty();
    }

    /** What TensorBoard shows is what the tables hold; a resumed run has a file for each part. */
    @Test
    void eventFilesHoldTheFiguresOfTheTables() throws IOException {
        run(config("events", "steps=6", "eval.every=3", "checkpoint.every=2"), 3, false);
        run(config("events", "steps=6", "eval.every=3", "checkpoint.every=2"), 6, true);
        List<Path> files;
        try (var inside = Files.list(directory.resolve("events"))) {
            files = inside.filter(file -> file.getFileName().toString().startsWith("events.out.tfevents"))
                    .sorted()
                    .toList();
        }
        assertThat(files).hasSize(2);
        var first = Events.read(files.getFirst());
        var second = Events.read(files.getLast());
        assertThat(first).extracting(Events.Event::step).containsExactly(0L, 1L, 2L, 3L, 3L);
        assertThat(second).extracting(Events.Event::step).containsExactly(0L, 4L, 4L, 5L, 6L, 6L);
        assertThat(second.get(1).sessionStart()).isTrue();
        var step = second.get(4).scalars();
        var columns = List.of("loss", "loss_text", "loss_image", "loss_speech", "lr", "grad_norm", "tokens_per_s");
        assertThat(step.keySet())
                .containsExactlyInAnyOrder(
                        "train/loss",
                        "train/loss_text",
                        "train/loss_image",
                        "train/loss_speech",
                        "lr",
                        "grad_norm",
                        "tokens_per_s");
        var cells = cells("events", "metrics.csv", columns);
        for (int i = 0; i < columns.size(); i++) {
            var tag = columns.get(i).startsWith("loss") ? "train/" + columns.get(i) : columns.get(i);
            assertThat(step.get(tag)).as(tag).isEqualTo((float) Double.parseDouble(cells.get(i)));
        }
        assertThat(second.getLast().scalars().get("heldout/loss")).isEqualTo((float) Double.parseDouble(
                cells("events", "heldout.csv", List.of("loss")).getFirst()));
    }

    /** What a program reads as a number is one. */
    @Test
    void theEnvironmentKeepsNumbersAsNumbers() throws IOException {
        run(config("numbers", "steps=1"), 1, false);
        var json = JsonMapper.shared()
                .readTree(directory.resolve("numbers/environment.json").toFile());
        assertThat(json.path("params").isIntegralNumber()).isTrue();
        assertThat(json.path("cores").asInt()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(json.path("cores").isIntegralNumber()).isTrue();
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
        return new SmallRuns(directory).config(name, overrides);
    }

    private static void run(RunConfig config, long until, boolean resume) {
        SmallRuns.run(config, until, resume);
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

    private List<String> metrics(String run) throws IOException {
        return new SmallRuns(directory).metrics(run);
    }

    private List<String> heldOut(String run) throws IOException {
        return new SmallRuns(directory).heldOut(run);
    }

    private List<String> checkpoints(String run) throws IOException {
        try (Stream<Path> inside = Files.list(directory.resolve(run).resolve("checkpoints"))) {
            return inside.map(path -> path.getFileName().toString()).toList();
        }
    }

    private byte[] bytes(String file) throws IOException {
        return new SmallRuns(directory).bytes(file);
    }
}
