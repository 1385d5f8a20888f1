package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Runs that are extended, forked and initialised. */
class ExtendTest {
    private static final String CONSTANT = "optimizer.schedule=constant";

    @TempDir
    Path directory;

    private SmallRuns runs;

    @BeforeEach
    void place() {
        runs = new SmallRuns(directory);
    }

    @Test
    void aRunExtendedEqualsOneThatWasAsLongFromTheStart() throws IOException {
        SmallRuns.run(runs.config("long", CONSTANT, "steps=12"), 12, false);
        SmallRuns.run(runs.config("short", CONSTANT, "steps=8"), 8, false);
        var longer = runs.config("short", CONSTANT, "steps=12");
        assertThatThrownBy(() -> SmallRuns.run(longer, 12, true))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("steps 8, not 12; go on with it so changed by --extend");
        SmallRuns.extend(longer);
        assertThat(runs.metrics("short")).isEqualTo(runs.metrics("long")).hasSize(13);
        assertThat(runs.bytes("short/checkpoints/step-12/model.safetensors"))
                .isEqualTo(runs.bytes("long/checkpoints/step-12/model.safetensors"));
        assertThat(RunDirectory.configOf(directory.resolve("short")).steps()).isEqualTo(12);
        var entry = history("short").getFirst();
        assertThat(entry.path("event").asString()).isEqualTo("extended");
        assertThat(entry.path("step").asLong()).isEqualTo(8);
        assertThat(entry.path("changes").toString())
                .isEqualTo("[{\"key\":\"steps\",\"before\":\"8\",\"after\":\"12\"}]");
        assertThat(directory.resolve("long/history.jsonl")).doesNotExist();
        SmallRuns.run(longer, 12, true);
        assertThat(history("short"))
                .as("resuming the extended run changes nothing")
                .hasSize(1);
    }

    /** A copy of a stable run decays from where it stands, as wsd asks; the original can go on. */
    @Test
    void aForkIsACopyThatIsExtended() throws IOException {
        SmallRuns.run(runs.config("wsd", "optimizer.schedule=wsd", "optimizer.decay=4", "steps=12"), 12, false);
        SmallRuns.run(runs.config("stable", CONSTANT, "steps=8"), 8, false);
        runs.copy("stable", "fork");
        SmallRuns.extend(runs.config("fork", "optimizer.schedule=wsd", "optimizer.decay=4", "steps=12"));
        assertThat(runs.metrics("fork")).isEqualTo(runs.metrics("wsd"));
        assertThat(history("fork").getFirst().path("changes").findValuesAsString("key"))
                .containsExactly("steps", "optimizer.schedule", "optimizer.decay");
        assertThat(directory.resolve("stable/history.jsonl")).doesNotExist();
    }

    @Test
    void whatMakesItAnotherRunCannotBeExtended() throws IOException {
        SmallRuns.run(runs.config("firm", "steps=4"), 4, false);
        for (var change : List.of(
                "seed=1",
                "model.kind=dense",
                "data.batch=4",
                "optimizer.accumulation=2",
                "init=elsewhere",
                "eval.tokens=9")) {
            assertThatThrownBy(() -> SmallRuns.extend(runs.config("firm", "steps=6", change)))
                    .as(change)
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining(change.substring(0, change.indexOf('=')))
                    .hasMessageEndingWith("give another run=DIR");
        }
        assertThatThrownBy(() -> SmallRuns.extend(runs.config("firm", "steps=3")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("has done 4 steps already");
        assertThat(RunDirectory.configOf(directory.resolve("firm")).steps()).isEqualTo(4);
    }

    @Test
    void aRunStartsFromTheWeightsOfAnother() throws IOException {
        SmallRuns.run(runs.config("first", "steps=6"), 6, false);
        var weights = directory.resolve("first/checkpoints/step-6/model.safetensors");
        for (var init : List.of(directory.resolve("first"), weights)) {
            var name = "of-" + init.getFileName();
            var told = SmallRuns.run(
                    runs.config(name, "steps=1", "optimizer.lr=1e-30", "optimizer.min_lr=0", "init=" + init), 1, false);
            assertThat(told.notes).contains("starts from the weights in " + weights);
            assertThat(runs.bytes(name + "/checkpoints/step-1/model.safetensors"))
                    .isEqualTo(Files.readAllBytes(weights));
            var entry = history(name).getFirst();
            assertThat(entry.path("event").asString()).isEqualTo("initialised");
            assertThat(entry.path("sha256").asString()).matches("[0-9a-f]{64}");
            assertThat(entry.path("changes").findValuesAsString("key"))
                    .isEqualTo(
                            init.equals(weights)
                                    ? List.of()
                                    : List.of("run", "steps", "init", "optimizer.lr", "optimizer.min_lr"));
        }
    }

    @Test
    void weightsThatDoNotFitAreRefusedAndTheDirectoryStaysFree() throws IOException {
        SmallRuns.run(runs.config("first", "steps=2"), 2, false);
        assertThatThrownBy(() -> SmallRuns.run(
                        runs.config("wide", "steps=1", "model.scale=32x1", "init=" + directory.resolve("first")),
                        1,
                        false))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("of another model");
        assertThatThrownBy(() -> SmallRuns.run(runs.config("wide", "steps=1", "init=nowhere"), 1, false))
                .isInstanceOf(UserException.class)
                .hasMessage("init: there is no nowhere; name a run or a safetensors file");
        SmallRuns.run(runs.config("wide", "steps=1"), 1, false);
        assertThat(directory.resolve("wide/history.jsonl")).doesNotExist();
    }

    private List<JsonNode> history(String run) throws IOException {
        return Files.readAllLines(directory.resolve(run).resolve("history.jsonl")).stream()
                .map(JsonMapper.shared()::readTree)
                .toList();
    }
}
