package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.prepare.Preparation;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.data.source.SourceSpec;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** A mixture of two sources by weight, and the statement of what was drawn from each. */
class DrawnTest {
    private static final int STEPS = 24;
    private static final int TOKENS_PER_STEP = 2 * 48;

    @TempDir
    Path directory;

    @BeforeEach
    void prepare() throws IOException {
        var random = new Random(3);
        for (var name : List.of("prose", "verse")) {
            var lines = new StringBuilder();
            for (int i = 0; i < (name.equals("prose") ? 80 : 12); i++) {
                lines.append("{\"text\": \"%s %d %s\"}%n"
                        .formatted(name, i, Long.toString(random.nextLong(), 36).repeat(1 + random.nextInt(6))));
            }
            Files.writeString(directory.resolve(name + ".jsonl"), lines.toString());
        }
        var tokenizers = TokenizerSet.demo();
        var sources = List.of("prose", "verse").stream()
                .flatMap(name ->
                        SourceSpec.parse("%s=jsonl:%s/%s.jsonl".formatted(name, directory, name), Setting.CHAMELEON)
                                .stream())
                .toList();
        var documents =
                DocumentTokenizer.of(tokenizers, Setting.CHAMELEON, 0, new HeldOutSplit(0.1), Augmentation.NONE);
        new Preparation(documents, tokenizers.fingerprint(), 100, false, 1)
                .run(sources, directory.resolve("corpus"), PrepareProgress.SILENT);
    }

    @Test
    void theStatementIsThatOfAnUnbrokenRunAndFollowsTheWeights() throws IOException {
        run("whole", STEPS, false);
        run("broken", 5, false);
        run("broken", 14, true);
        run("broken", STEPS, true);
        var statement = Files.readString(directory.resolve("whole/drawn.json"));
        assertThat(Files.readString(directory.resolve("broken/drawn.json"))).isEqualTo(statement);
        var drawn = JsonMapper.shared().readTree(statement);
        assertThat(drawn.path("batches").asLong()).isEqualTo(STEPS);
        assertThat(drawn.path("tokens").asLong()).isEqualTo(STEPS * TOKENS_PER_STEP);
        assertThat(drawn.path("parts").findValuesAsString("part")).containsExactly("prose", "verse");
        assertThat(drawn.path("parts").get(1).path("weight").asDouble()).isCloseTo(0.75, within(1e-12));
        assertThat(drawn.path("parts").get(1).path("share").asDouble()).isCloseTo(0.75, within(0.03));
        assertThat(drawn.path("parts").get(1).path("epochs").asDouble()).isGreaterThan(2);
    }

    @Test
    void aRunThatIsStoppedSaysWhatItHasDrawnSoFar() throws IOException {
        run("stopped", 5, false);
        var drawn = JsonMapper.shared().readTree(Files.readString(directory.resolve("stopped/drawn.json")));
        assertThat(drawn.path("batches").asLong()).isEqualTo(5);
    }

    @Test
    void weightsAreOfPartsThatExistAndNotBesideShares() {
        assertThatThrownBy(() -> TrainingData.open(config("other", "data.weights.poem=1"), PrepareProgress.SILENT))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no part 'poem'");
        assertThatThrownBy(() -> config("both", "data.weights.prose=1", "data.shares=[1, 0]"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("data.weights");
        assertThatThrownBy(() -> config("word", "data.weights.prose=much")).isInstanceOf(UserException.class);
    }

    @Test
    void otherWeightsAreAnotherConfiguration() throws IOException {
        run("weighed", 2, false);
        var reader = new ConfigReader();
        var before = reader.read(directory.resolve("weighed/config.yaml"), List.of());
        assertThat(before.data().weights()).containsOnlyKeys("prose", "verse");
        assertThat(reader.differences(before, reader.with(before, List.of("data.weights.verse=7"))))
                .hasToString("[data.weights.verse 3.0, not 7.0]");
        assertThat(reader.differences(before, config("natural")))
                .extracting(Object::toString)
                .contains("data.weights.prose 1.0, not set");
    }

    private RunConfig config(String name, String... overrides) {
        var all = new ArrayList<>(List.of(
                "run=" + directory.resolve(name),
                "steps=" + STEPS,
                "backend.name=cpu",
                "backend.threads=1",
                "model.scale=16x1",
                "model.d_state=4",
                "data.source=" + directory.resolve("corpus"),
                "data.setting=chameleon",
                "data.batch=2",
                "data.length=48",
                "checkpoint.every=7",
                "eval.tokens=1"));
        all.addAll(List.of(overrides));
        return new ConfigReader().of(all);
    }

    private void run(String name, long until, boolean resume) {
        var done = new AtomicLong();
        var counting = new TrainingListener() {
            @Override
            public void stepped(StepMetrics metrics) {
                done.set(metrics.step());
            }
        };
        var config = config(name, "data.weights.prose=1", "data.weights.verse=3");
        try (var data = TrainingData.open(config, PrepareProgress.SILENT)) {
            new TrainingRun(config, data, counting, () -> done.get() >= until, Duration.ZERO).train(resume);
        }
    }
}
