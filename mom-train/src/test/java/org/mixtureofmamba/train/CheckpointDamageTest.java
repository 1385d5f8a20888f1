package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

/** A run goes on from what it wrote or not at all: whatever bit of it changes, resuming names the file. */
class CheckpointDamageTest {
    private static final String TRAINER = "checkpoints/step-4/trainer.json";

    @TempDir
    static Path directory;

    private static SmallRuns runs;

    @BeforeAll
    static void train() {
        runs = new SmallRuns(directory);
        SmallRuns.run(config("whole"), 4, false);
    }

    @BeforeEach
    void restore() throws IOException {
        runs.copy("whole", "run");
    }

    private static RunConfig config(String name) {
        return runs.config(name, "steps=6", "checkpoint.every=2", "eval.every=2");
    }

    private Path file(String name) {
        return directory.resolve("run").resolve(name);
    }

    private Throwable resuming() {
        return catchThrowable(() -> SmallRuns.run(config("run"), 4, true));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                TRAINER,
                "checkpoints/step-4/tokenizers.json",
                "checkpoints/step-4/model.safetensors",
                "checkpoints/step-4/optimizer.safetensors",
                "metrics.csv",
                "heldout.csv"
            })
    void noFlippedBitAndNoLostByteIsAccepted(String name) throws IOException {
        var whole = Files.readAllBytes(file(name));
        var random = new Random(name.hashCode());
        for (int i = 0; i < 40; i++) {
            boolean cut = i % 4 == 0;
            var damaged = cut ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            int bit = random.nextInt(8 * whole.length);
            if (!cut) {
                damaged[bit / 8] ^= (byte) (1 << bit % 8);
            }
            Files.write(file(name), damaged);
            assertThat(resuming())
                    .as(cut ? "%s cut to %d bytes".formatted(name, damaged.length) : "%s, bit %d".formatted(name, bit))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining(Path.of(name).getFileName().toString())
                    .message()
                    .doesNotContain("\n");
        }
        Files.write(file(name), whole);
        assertThat(resuming()).isNull();
    }

    /** Sealed again, as no accident does it: then what is missing is named. */
    @ParameterizedTest
    @ValueSource(strings = {"sha256", "data", "spent", "logs", "step"})
    void aStateThatLacksAPartIsRefusedInOneLine(String key) throws IOException {
        var json = unsealed();
        var nulled = json.replaceFirst("(?s)(\"%s\" : )(\\{.*?\\n  \\}|\"[^\"]*\"|\\d+)".formatted(key), "$1null");
        assertThat(nulled).isNotEqualTo(json);
        Files.write(file(TRAINER), SealedJson.seal(2, nulled));
        assertThat(resuming())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("trainer.json")
                .hasMessageContaining(key)
                .message()
                .doesNotContain("\n");
    }

    private String unsealed() throws IOException {
        return Files.readString(file(TRAINER))
                .replaceFirst("\"format\" : 2,\\s+\"digest\" : \"[0-9a-f]{64}\",\\s+", "");
    }

    @Test
    void aCheckpointWithoutADigestIsRefusedWithAWayOn() throws IOException {
        Files.writeString(file(TRAINER), unsealed());
        assertThat(resuming())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("step-4 cannot be resumed: trainer.json")
                .hasMessageContaining("since format 2")
                .hasMessageContaining("init=" + file("checkpoints/step-4/model.safetensors"));
    }

    @Test
    void aCheckpointOfALaterVersionSaysSo() throws IOException {
        Files.write(file(TRAINER), SealedJson.seal(3, unsealed()));
        assertThat(resuming())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("it is of format 3, and this version reads format 2");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "^3,  | x3,   | metrics.csv:4 is not as the checkpoint left it: the step is 'x3'",
                "^3,.*\\n |   | metrics.csv:4 is not as the checkpoint left it: step 4 comes after step 2",
                "^2,  | 2,7,  | metrics.csv:3 is not as the checkpoint left it: 17 cells where there are 16 columns",
                "loss_image | lass_image | metrics.csv:1 is not as the checkpoint left it: the columns are not step,",
                "^4,.*\\n |   | metrics.csv is not as the checkpoint left it: rows after step 3 are missing"
            })
    void aDamagedRowIsNamedByItsLine(String from, String to, String told) throws IOException {
        var text = Files.readString(file("metrics.csv"));
        var damaged = text.replaceFirst("(?m)" + from, to == null ? "" : to);
        assertThat(damaged).isNotEqualTo(text);
        Files.writeString(file("metrics.csv"), damaged);
        assertThat(resuming()).isInstanceOf(UserException.class).hasMessageContaining(told);
        assertThat(Files.readString(file("metrics.csv"))).as("left as it was").isEqualTo(damaged);
    }

    @Test
    void aByteThatIsNoTextIsNamedByItsLine() throws IOException {
        var bytes = Files.readString(file("metrics.csv"))
                .replaceFirst("\n3,", "\n\u00e4,")
                .getBytes(StandardCharsets.ISO_8859_1);
        Files.write(file("metrics.csv"), bytes);
        assertThat(resuming())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("metrics.csv:4")
                .hasMessageContaining("not UTF-8");
    }

    @Test
    void rowsAfterTheCheckpointMayBeAnything() throws IOException {
        var metrics = Files.readAllBytes(file("metrics.csv"));
        Files.write(file("metrics.csv"), List.of("5,garbage", "7"), StandardOpenOption.APPEND);
        assertThat(resuming()).isNull();
        assertThat(Files.readAllBytes(file("metrics.csv"))).startsWith(metrics);
        assertThat(runs.metrics("run")).hasSize(6);
    }

    @Test
    void aMissingTableIsNamed() throws IOException {
        Files.delete(file("heldout.csv"));
        assertThatThrownBy(() -> SmallRuns.run(config("run"), 4, true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("heldout.csv is not as the checkpoint left it: it is missing");
    }
}
