package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Runs that cannot be compared are named, with the reason, and the rest is compared. */
class BadInputTest {
    private static final Comparison.Options FAST = new Comparison.Options(0.2, 100, 0);

    @TempDir
    private Path directory;

    private Path dense;
    private Path good;

    @BeforeEach
    void goodRuns() {
        dense = run("dense", 200, "steps: 200\nmodel:\n  kind: dense\n");
        good = run("good", 200, "steps: 200\nmodel:\n  kind: mom\n");
    }

    private Path run(String name, int steps, String config) {
        return Curves.write(directory.resolve(name), Curves.columns(steps, 1, Curves::falling), config);
    }

    /** The reason a run is left out, the good one being compared all the same. */
    private String whyLeftOut(Path bad) {
        var comparison = Comparison.of(dense, List.of(bad, good), FAST);
        assertThat(comparison.contenders().stream().map(Contender::name)).containsExactly("good");
        assertThat(comparison.leftOut()).hasSize(1);
        assertThatThrownBy(() -> Comparison.of(dense, List.of(bad), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("nothing is left to compare")
                .hasMessageContaining(bad.getFileName().toString());
        return comparison.leftOut().getFirst().text();
    }

    @Test
    void aMissingColumn() throws IOException {
        var bad = run("bad", 200, "");
        Files.writeString(
                bad.resolve("metrics.csv"),
                Files.readString(bad.resolve("metrics.csv")).replaceFirst("wall_s", "walls"));
        assertThat(whyLeftOut(bad)).contains("column wall_s is missing");
    }

    @Test
    void anotherStepGrid() throws IOException {
        var bad = run("bad", 200, "");
        var lines = Files.readAllLines(bad.resolve("metrics.csv"));
        var every = new StringBuilder(lines.getFirst()).append('\n');
        for (int i = 4; i < lines.size(); i += 4) {
            every.append(lines.get(i)).append('\n');
        }
        Files.writeString(bad.resolve("metrics.csv"), every);
        var contender = Comparison.of(dense, List.of(bad), FAST).contenders().getFirst();
        assertThat(contender.fair()).isFalse();
        assertThat(contender.findings())
                .contains(new Finding(Finding.Verdict.UNFAIR, "logged steps: differ from row 1 on (1 and 4)"));
        assertThat(((Outcome.Unread) contender.row(LossKind.TEXT).orElseThrow().training()).why())
                .contains("at 50 common steps");
    }

    @Test
    void otherDataAndAnotherScheduleAreShownAsUnfair() {
        var bad = run(
                "bad",
                200,
                "steps: 200\nmodel:\n  kind: mom\ndata:\n  source: other\noptimizer:\n  schedule: cosine\n");
        var comparison = Comparison.of(dense, List.of(bad, good), FAST);
        assertThat(comparison.contenders()).hasSize(2);
        assertThat(comparison.contenders().getFirst().findings().stream()
                        .filter(finding -> finding.verdict() == Finding.Verdict.UNFAIR)
                        .map(Finding::text))
                .contains("data.source: absent and other", "optimizer.schedule: absent and cosine");
        assertThat(comparison.contenders().getLast().fair()).isTrue();
    }

    @Test
    void anotherSettingWithNoLossInCommon() {
        var columns = Curves.columns(200, 1, Curves::falling);
        for (var column : List.of(Column.LOSS, Column.LOSS_TEXT, Column.LOSS_IMAGE)) {
            java.util.Arrays.fill(columns.get(column), Double.NaN);
        }
        java.util.Arrays.fill(columns.get(Column.LOSS_SPEECH), 2);
        assertThat(whyLeftOut(Curves.write(directory.resolve("bad"), columns, "")))
                .contains("have no loss in common");
    }

    @Test
    void noHeldOutFile() {
        var row = Comparison.of(dense, List.of(good), FAST)
                .contenders()
                .getFirst()
                .row(LossKind.TEXT)
                .orElseThrow();
        assertThat(((Outcome.Unread) row.heldOut()).why()).contains("dense has no held-out loss of it");
        assertThat(row.training()).isInstanceOf(Outcome.Read.class);
    }

    @Test
    void stillRunning() {
        assertThat(whyLeftOut(run("bad", 120, "steps: 200\n"))).contains("it is at step 120 of 200");
        assertThatThrownBy(() -> Comparison.of(run("young", 120, "steps: 200\n"), List.of(good), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("young is left out: it is at step 120 of 200");
    }

    @Test
    void empty() throws IOException {
        assertThat(whyLeftOut(Files.createDirectories(directory.resolve("bad"))))
                .contains("has a metrics.csv");
        assertThat(whyLeftOut(directory.resolve("nowhere"))).contains("is no directory");
        Files.writeString(directory.resolve("bad/config.yaml"), "seed: 1\n");
        assertThat(whyLeftOut(directory.resolve("bad"))).contains("has no metrics.csv");
        Files.writeString(
                directory.resolve("bad/metrics.csv"),
                Files.readAllLines(good.resolve("metrics.csv")).getFirst() + "\n");
        assertThat(whyLeftOut(directory.resolve("bad"))).contains("has no rows");
    }

    @Test
    void twoRunsOfOneName() {
        var other = run("elsewhere/good", 200, "");
        var names = Comparison.of(dense, List.of(good, other), FAST).contenders().stream()
                .map(Contender::name)
                .toList();
        assertThat(names).doesNotHaveDuplicates().hasSize(2);
    }

    @Test
    void theBaselineBesideItself() {
        assertThat(whyLeftOut(dense)).contains("it is the baseline itself");
    }

    @Test
    void aConfigurationWithoutAModelKind() {
        var bare = run("bare", 200, "steps: 200\n");
        var contender = Comparison.of(bare, List.of(run("other", 200, "steps: 200\n")), FAST)
                .contenders()
                .getFirst();
        assertThat(contender.findings())
                .anySatisfy(finding -> assertThat(finding.text()).startsWith("model.kind: not in both"));
    }

    @Test
    void aSeedWithoutAPartner() {
        run("d/0", 200, "seed: 0\n");
        run("d/1", 200, "seed: 1\n");
        run("m/0", 200, "seed: 0\n");
        run("m/7", 200, "seed: 7\n");
        var comparison = Comparison.of(directory.resolve("d"), List.of(directory.resolve("m")), FAST);
        assertThat(comparison.leftOut().stream().map(LeftOut::text))
                .anyMatch(text -> text.contains("its seed is 7"))
                .anyMatch(text -> text.contains("no run of the seed 1"));
        assertThat(comparison.contenders().getFirst().runs().runs()).hasSize(1);
    }

    @Test
    void aSeedGivenTwice() {
        run("d/0", 200, "seed: 0\n");
        run("m/a", 200, "seed: 0\n");
        run("m/b", 200, "seed: 0\n");
        var comparison = Comparison.of(directory.resolve("d"), List.of(directory.resolve("m")), FAST);
        assertThat(comparison.leftOut())
                .singleElement()
                .satisfies(left -> assertThat(left.text()).contains("has the seed 0 too"));
    }

    @Test
    void aFileBesideTheMetricsThatCannotBeRead() throws IOException {
        Files.writeString(good.resolve("config.yaml"), "a: [1\nb: }");
        assertThatThrownBy(() -> Comparison.of(dense, List.of(good), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("config.yaml:")
                .hasMessageNotContaining("\n");
    }

    @Test
    void nothingAtAll() {
        assertThatThrownBy(() -> Comparison.of(dense, List.of(), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("nothing to compare dense with");
    }
}
