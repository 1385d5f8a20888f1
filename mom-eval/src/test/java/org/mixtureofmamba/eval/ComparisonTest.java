package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.core.UserException;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ComparisonTest {
    private static final Comparison.Options FAST = new Comparison.Options(0.01, 100, 0);
    private static final byte[] PIXEL = {1, 2, 3};

    @TempDir
    private Path directory;

    private Path run(String name, double speed, String config) {
        return Curves.write(
                directory.resolve(name), Curves.columns(400, 0.5, step -> Curves.falling(speed * step)), config);
    }

    private static String config(int seed, String split) {
        return "seed: %d\nrun: runs/%s\nmodel:\n  split: [%s]\ndata:\n  source: demo\n  setting: chameleon\n"
                .formatted(seed, split, split);
    }

    @Test
    void comparesTwoRunsFromMetricsAlone() {
        var comparison = Comparison.of(run("dense", 1, ""), List.of(run("mom", 2, "")), FAST);
        assertThat(comparison.losses()).containsExactly(LossKind.TEXT, LossKind.IMAGE, LossKind.ALL);
        var row = comparison.contenders().getFirst().row(LossKind.TEXT).orElseThrow();
        assertThat(((Share.Of) row.costs().get(Cost.FLOPS).value()).percent()).isCloseTo(50, within(0.5));
        assertThat(row.costs().get(Cost.FLOPS).interval().orElseThrow().basis())
                .isEqualTo(Interval.Basis.BLOCK_BOOTSTRAP);
        assertThat(comparison.contenders().getFirst().fair()).isTrue();
        assertThat(comparison.contenders().getFirst().findings())
                .anyMatch(
                        f -> f.verdict() == Finding.Verdict.UNKNOWN && f.text().contains("config.yaml"));
        assertThat(comparison.table()).contains("dense", "mom", "FLOPs", "wall-clock", "text", "image", "none known");
    }

    @Test
    void pairsSeedsByTheirConfigurationsWhateverTheirOrder() {
        double[] speeds = {1, 1.1, 1.2};
        for (int seed = 0; seed < 3; seed++) {
            run("dense/run-" + seed, speeds[seed], config(seed, ""));
            run("mom/run-" + (2 - seed), 2 * speeds[seed], config(seed, "in"));
        }
        var comparison = Comparison.of(directory.resolve("dense"), List.of(directory.resolve("mom")), FAST);
        var contender = comparison.contenders().getFirst();
        var row = contender.row(LossKind.TEXT).orElseThrow();
        assertThat(row.seeds()).hasSize(3);
        for (var seed : row.seeds()) {
            assertThat(((Share.Of) seed.costs().get(Cost.FLOPS)).percent()).isCloseTo(50, within(0.5));
        }
        assertThat(row.costs().get(Cost.FLOPS).interval().orElseThrow().basis()).isEqualTo(Interval.Basis.SEEDS);
        assertThat(row.gainHalf()).isPresent();
        assertThat(contender.fair()).isTrue();
        assertThat(contender.findings())
                .anyMatch(
                        f -> f.verdict() == Finding.Verdict.COMPARED && f.text().startsWith("model.split"));
    }

    @Test
    void refusesRunsThatCannotBePaired() {
        run("dense/a", 1, config(0, ""));
        run("dense/b", 1, config(1, ""));
        run("mom/a", 2, config(0, "in"));
        run("mom/b", 2, config(7, "in"));
        assertThatThrownBy(() -> Comparison.of(directory.resolve("dense"), List.of(directory.resolve("mom")), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("same seeds");
        assertThatThrownBy(() -> Comparison.of(directory.resolve("dense"), List.of(run("bare", 2, "")), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("dense has 2 runs and bare has 1");
        assertThatThrownBy(() -> Comparison.of(directory.resolve("dense/a"), List.of(), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("nothing to compare");
        assertThatThrownBy(() -> Comparison.of(directory, List.of(directory.resolve("nowhere")), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("give the directory of a run");
    }

    @Test
    void saysWhatMakesAPairUnfair() {
        var dense = run("dense", 1, config(0, "") + "optimizer:\n  lr: 0.001\nbackend:\n  threads: 1\n");
        var columns = Curves.columns(300, 0.5, step -> Curves.falling(2 * step));
        columns.get(Column.LR)[100] = 5e-4;
        columns.get(Column.TOKENS)[20] += 1;
        var mom = Curves.write(
                directory.resolve("mom"),
                columns,
                config(1, "in") + "optimizer:\n  lr: 0.002\nbackend:\n  threads: 2\n");
        var contender = Comparison.of(dense, List.of(mom), FAST).contenders().getFirst();
        assertThat(contender.fair()).isFalse();
        assertThat(contender.findings().stream()
                        .filter(f -> f.verdict() == Finding.Verdict.UNFAIR)
                        .map(Finding::text))
                .anyMatch(text -> text.equals("steps: 400 and 300"))
                .anyMatch(text -> text.startsWith("tokens a step: differ from step 21"))
                .anyMatch(text -> text.startsWith("learning-rate schedule: differ from step 101"))
                .anyMatch(text -> text.equals("optimizer.lr: 0.001 and 0.002"))
                .anyMatch(text -> text.equals("seed: 0 and 1"));
        assertThat(contender.findings().stream().filter(f -> f.text().startsWith("run:")))
                .isEmpty();
    }

    @Test
    void writesEveryFileOfTheReport() throws IOException {
        Files.writeString(
                run("dense", 1, config(0, "")).resolve("heldout.csv"), "step,modality,loss,tokens\n400,text,2.75,99\n");
        Files.writeString(
                directory.resolve("dense/environment.json"),
                "{\"params\": 123456, \"device\": {\"name\": \"two <cores>\"}}");
        var comparison = Comparison.of(directory.resolve("dense"), List.of(run("mom", 2, config(0, "in"))), FAST);
        var out = directory.resolve("out/report");
        var report = comparison.write(
                out,
                new ReportContent(
                        "A <title>",
                        List.of(
                                new ReportSample.Image("a picture", PIXEL),
                                new ReportSample.Clip("a clip", PIXEL),
                                new ReportSample.Text("a text", "<script>alert(1)</script>"))));
        assertThat(report.report()).isEqualTo(out.resolve("report.html"));
        assertThat(report.files())
                .allSatisfy(file -> assertThat(file).isNotEmptyFile())
                .contains(report.report());
        assertThat(report.notes()).isEmpty();
        assertThat(out)
                .isDirectoryContaining("glob:**matched-loss.csv")
                .isDirectoryContaining("glob:**matched-loss.md")
                .isDirectoryContaining("glob:**matched-loss.json");
        for (var loss : List.of("text", "image", "all")) {
            for (var axis : List.of("flops", "wall-clock")) {
                var picture = ImageIO.read(
                        out.resolve("curve-%s-%s.png".formatted(loss, axis)).toFile());
                assertThat(picture.getWidth()).isEqualTo(1200);
            }
        }
        try (var files = Files.list(out)) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith(".")))
                    .isEmpty();
        }

        var html = Files.readString(report.report());
        assertThat(html)
                .contains(
                        "A &lt;title&gt;",
                        "&lt;script&gt;",
                        "two &lt;cores&gt;",
                        "123,456",
                        "2.7500",
                        "data:image/png;base64,AQID",
                        "data:audio/wav;base64,AQID",
                        "42.50 %",
                        "65.40 %")
                .doesNotContain("24.80", "34.76", "<script", "http://", "https://", "NaN");

        var csv = Files.readAllLines(out.resolve("matched-loss.csv"));
        assertThat(csv).hasSize(4);
        assertThat(csv.getFirst()).startsWith("model,baseline,loss,seeds,seeds_matched,baseline_loss");
        assertThat(csv.get(1)).startsWith("mom,dense,text,1,1,");

        var markdown = Files.readString(out.resolve("matched-loss.md"));
        assertThat(markdown).contains("| text |", "| image |", "| all tokens |", "block bootstrap");

        var json = JsonMapper.builder().build().readTree(Files.readString(out.resolve("matched-loss.json")));
        assertThat(json.at("/models/0/losses/0/flops/percent").asDouble()).isCloseTo(50, within(0.5));
        assertThat(json.at("/models/0/fair").asBoolean()).isTrue();
        assertThat(Files.readString(out.resolve("matched-loss.json"))).isEqualTo(comparison.json());
    }

    @Test
    void sameRunsMakeTheSameBytes() {
        var dense = run("dense", 1, "");
        var mom = run("mom", 2, "");
        var content = new ReportContent("t", List.of());
        Map<String, byte[]> first = ReportDirectory.render(Comparison.of(dense, List.of(mom), FAST), content);
        Map<String, byte[]> second = ReportDirectory.render(Comparison.of(dense, List.of(mom), FAST), content);
        assertThat(first.keySet()).isEqualTo(second.keySet());
        first.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(second.get(name)));
    }

    @Test
    void noMatchIsNeverBlank() throws IOException {
        var comparison = Comparison.of(run("dense", 1, ""), List.of(run("worse", 0.7, "")), FAST);
        assertThat(comparison.table()).contains("> 100 %");
        var out = directory.resolve("out");
        comparison.write(out, new ReportContent("t", List.of()));
        assertThat(Files.readString(out.resolve("matched-loss.csv"))).contains(",> 100,");
        assertThat(Files.readString(out.resolve("report.html"))).contains("&gt; 100 %");
        assertThat(Files.readString(out.resolve("matched-loss.md"))).contains("> 100 %");
    }

    @Test
    void aPaperFigureStandsOnlyInItsOwnRow() {
        assertThat(PaperFigures.of("three-modality", LossKind.SPEECH)).contains(PaperFigures.THREE_MODALITY_SPEECH);
        assertThat(PaperFigures.of("three-modality", LossKind.IMAGE)).isEmpty();
        assertThat(PaperFigures.of("three-modality", LossKind.TEXT)).isEmpty();
        assertThat(PaperFigures.of("chameleon", LossKind.SPEECH)).isEmpty();
        assertThat(PaperFigures.of("transfusion", LossKind.TEXT)).isEmpty();
        for (var figure : PaperFigures.values()) {
            assertThat(figure.loss()).isNotEqualTo(LossKind.ALL);
        }
    }

    @Test
    void severalModelsStandBesideOneBaselineUnderTheirOwnNames() {
        var comparison = Comparison.of(
                run("dense", 1, ""),
                List.of(run("a/mom", 2, ""), run("b/mom", 1.5, ""), run("transformer", 1.2, "")),
                FAST);
        assertThat(comparison.contenders().stream().map(Contender::name).distinct())
                .hasSize(3);
        assertThat(new String(
                        ReportDirectory.render(comparison, new ReportContent("t", List.of()))
                                .get("report.html"),
                        StandardCharsets.UTF_8))
                .contains("transformer");
    }

    @Test
    void aBadFileBesideTheMetricsIsNamed() throws IOException {
        var dense = run("dense", 1, "a: [1\nb: }");
        assertThatThrownBy(() -> Comparison.of(dense, List.of(dense), FAST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("config.yaml:")
                .hasMessageNotContaining("\n");
        Files.delete(dense.resolve("config.yaml"));
        Files.writeString(directory.resolve("blocked"), "a file");
        var comparison = Comparison.of(dense, List.of(run("mom", 2, "")), FAST);
        assertThatThrownBy(() -> comparison.write(directory.resolve("blocked/out"), new ReportContent("t", List.of())))
                .isInstanceOf(MomException.class)
                .hasMessageContaining("blocked");
    }
}
