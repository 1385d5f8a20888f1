package org.mixtureofmamba.eval.report;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Confirmation;
import org.mixtureofmamba.eval.LossKind;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ReportTest {
    private static final Comparison.Options FAST = new Comparison.Options(0.2, 100, 0);
    private static final byte[] PIXEL = {1, 2, 3};

    @TempDir
    private Path directory;

    private Comparison pair() {
        return Comparison.of(
                SampleRuns.write(directory.resolve("dense"), false, 0, "tiny", 1_000_000),
                List.of(SampleRuns.write(directory.resolve("mom"), true, 0, "tiny", 1_000_000)),
                FAST);
    }

    private static String text(Map<String, byte[]> files, String name) {
        return new String(files.get(name), StandardCharsets.UTF_8);
    }

    @Test
    void writesEveryFormatFromOnePage() throws IOException {
        var report = new Report(
                "A <title> & more_of it",
                List.of(pair()),
                List.of(
                        new ReportSample.Image("a picture", PIXEL),
                        new ReportSample.Clip("a clip", PIXEL),
                        new ReportSample.Text("a text", "<script>alert(1)</script>")),
                List.of(
                        new Confirmation("mom", LossKind.TEXT, directory, 90, true, 4, 3.99, 0.02),
                        new Confirmation("mom", LossKind.TEXT, directory, 80, true, 4, 4.03, 0.02)));
        var out = directory.resolve("out/report");
        var written = report.write(out);
        assertThat(written.report()).isEqualTo(out.resolve("report.html"));
        assertThat(written.files())
                .contains(written.report())
                .allSatisfy(file -> assertThat(file).isNotEmptyFile());
        try (var files = Files.list(out)) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith(".")))
                    .isEmpty();
        }

        var html = Files.readString(written.report());
        assertThat(html)
                .contains(
                        "A &lt;title&gt; &amp; more_of it",
                        "&lt;script&gt;alert(1)",
                        "two &lt;cores&gt;",
                        "1,000,000",
                        "data:image/png;base64,AQID",
                        "data:audio/wav;base64,AQID",
                        "24.80 %",
                        "the saving is confirmed",
                        "the saving is not confirmed",
                        "prefers-color-scheme: dark",
                        "<th scope=\"col\">held out</th>",
                        "<th scope=\"col\">training</th>",
                        "commit 0123456789ab, config ",
                        "data fedcba987654")
                .doesNotContain("34.76", "<script", "NaN", "${", "�");
        assertThat(html.split("<figure>", -1)).hasSize(1 + 4 * 3 + 1);

        var markdown = Files.readString(out.resolve("matched-loss.md"));
        assertThat(markdown).contains("| text |", "| all tokens |", "24.80 %", ".png)", "# A &lt;title>");
        var tex = Files.readString(out.resolve("matched-loss.tex"));
        assertThat(tex)
                .contains("\\toprule", "\\bottomrule", "\\%", "more\\_of")
                .doesNotContain("<title>");
        assertThat(tex.split("\\\\begin\\{table}", -1)).hasSameSizeAs(tex.split("\\\\end\\{table}", -1));
        // Every figure of the table stands in each format.
        for (var figure : new Report("t", pair()).text().split("\\s+")) {
            if (figure.matches("\\d+\\.\\d")) {
                assertThat(html).contains(figure);
                assertThat(markdown).contains(figure);
                assertThat(tex).contains(figure);
            }
        }
    }

    @Test
    void theSpreadsheetHoldsEveryReading() throws IOException {
        var csv = new Report("t", pair()).csv();
        try (var parser = CSVParser.parse(
                csv,
                CSVFormat.DEFAULT
                        .builder()
                        .setHeader()
                        .setSkipHeaderRecord(true)
                        .get())) {
            var rows = parser.getRecords();
            assertThat(rows).hasSize(4);
            var image = rows.get(1);
            assertThat(image.get("loss")).isEqualTo("image");
            assertThat(Double.parseDouble(image.get("heldout_flops_percent"))).isCloseTo(50, within(2.0));
            assertThat(Double.parseDouble(image.get("training_flops_percent"))).isCloseTo(50, within(8.0));
            assertThat(Double.parseDouble(image.get("plain_first_crossing_flops_percent")))
                    .isBetween(10.0, 60.0);
            assertThat(image.get("heldout_interval")).isEqualTo("block bootstrap, one seed");
            assertThat(Double.parseDouble(image.get("slope_coverage"))).isBetween(0.3, 1.0);
            assertThat(image.get("scale")).isEqualTo("tiny");
        }
    }

    @Test
    void theJsonIsThatOfTheReport() {
        var json = JsonMapper.builder().build().readTree(new Report("t", pair()).json());
        var image = json.at("/comparisons/0/models/0/losses/1");
        assertThat(image.at("/loss").asString()).isEqualTo("image");
        assertThat(image.at("/held_out/flops/percent").asDouble()).isCloseTo(50, within(2.0));
        assertThat(json.at("/comparisons/0/models/0/fair").asBoolean()).isTrue();
    }

    @Test
    void figuresAreWellFormedAndDrawnAsPictures() throws Exception {
        var files = new Report("t", pair()).render();
        var pictures =
                files.keySet().stream().filter(name -> name.endsWith(".png")).toList();
        assertThat(pictures).hasSize(4 * 3 + 1).contains("curve-tiny-image-held-out.png", "curve-tiny-along-mom.png");
        for (var name : pictures) {
            var picture = ImageIO.read(new ByteArrayInputStream(files.get(name)));
            assertThat(picture.getWidth()).isEqualTo(1200);
            // The match of a model is drawn in its colour, which is no shade of grey.
            int coloured = 0;
            for (int y = 0; y < picture.getHeight(); y += 2) {
                for (int x = 0; x < picture.getWidth(); x += 2) {
                    int rgb = picture.getRGB(x, y);
                    coloured += ((rgb >> 16) & 255) - (rgb & 255) > 60 ? 1 : 0;
                }
            }
            assertThat(coloured).as(name).isGreaterThan(200);
        }
        var chart = Charts.curves(pair(), LossKind.TEXT).getFirst();
        var svg = new ChartPictures(new Templates()).alone(chart);
        var document = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
        assertThat(document.getElementsByTagName("polyline").getLength()).isEqualTo(2);
        assertThat(document.getElementsByTagName("circle").getLength()).isEqualTo(1);
    }

    @Test
    void sameRunsMakeTheSameBytes() {
        var comparison = pair();
        var first = new Report("t", comparison).render();
        var second = new Report("t", comparison).render();
        assertThat(first.keySet()).isEqualTo(second.keySet());
        first.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(second.get(name)));
    }

    @Test
    void severalScalesAndSeedsAreDrawnOverTheirParameters() {
        var comparisons = new java.util.ArrayList<Comparison>();
        for (var scale : List.of("nano", "tiny")) {
            for (int seed = 0; seed < 2; seed++) {
                long parameters = scale.equals("nano") ? 200_000 : 1_000_000;
                SampleRuns.write(directory.resolve(scale + "/dense/" + seed), false, seed, scale, parameters);
                SampleRuns.write(directory.resolve(scale + "/mom/" + seed), true, seed, scale, parameters);
            }
            comparisons.add(Comparison.of(
                    directory.resolve(scale + "/dense"), List.of(directory.resolve(scale + "/mom")), FAST));
        }
        var files = new Report("t", comparisons, List.of(), List.of()).render();
        assertThat(files).containsKey("scaling-mom.png").containsKey("curve-nano-text-held-out.png");
        assertThat(text(files, "report.html"))
                .contains(
                        "Share against scale",
                        "scale nano",
                        "scale tiny",
                        "2 paired seeds",
                        "curves averaged over seeds");
        assertThat(text(files, "matched-loss.csv").lines()).hasSize(1 + 2 * 4);
    }

    @Test
    void memorisedRunsStandApartByName() throws IOException {
        var dense = SampleRuns.write(directory.resolve("dense"), false, 0, "tiny", 1_000_000);
        var good = SampleRuns.write(directory.resolve("good"), true, 0, "tiny", 1_000_000);
        var bad = SampleRuns.write(directory.resolve("bad"), true, 0, "tiny", 1_000_000);
        var rising = new StringBuilder("step,loss,loss_speech,tokens_speech\n");
        for (int i = 1; i <= 40; i++) {
            rising.append("%1$d,%2$s,%2$s,20000%n".formatted(10 * i, 2 + Math.abs(i - 20) * 0.05));
        }
        Files.writeString(bad.resolve("heldout.csv"), rising);
        Files.writeString(bad.resolve("drawn.json"), "{\"parts\": [{\"part\": \"a\", \"epochs\": 9}]}");
        var files = new Report("t", Comparison.of(dense, List.of(bad, good), FAST)).render();
        var html = text(files, "report.html");
        assertThat(html)
                .contains("<h2>Learned by heart: bad</h2>", "<h2>Matched loss: good</h2>", "bad †‡", "speech ‡");
        assertThat(html.indexOf("Matched loss: good")).isLessThan(html.indexOf("Learned by heart: bad"));
        for (var name : List.of("matched-loss.md", "matched-loss.tex")) {
            assertThat(text(files, name)).contains("Learned by heart: bad");
        }
        assertThat(text(files, "matched-loss.csv")).contains("repeats memorised");
    }

    @Test
    void noMatchIsNeverBlankAndLeftOutRunsAreNamed() {
        var dense = SampleRuns.write(directory.resolve("dense"), false, 0, "tiny", 1_000_000);
        var mom = SampleRuns.write(directory.resolve("mom"), true, 0, "tiny", 1_000_000);
        var report = new Report("t", Comparison.of(mom, List.of(dense, directory.resolve("nowhere")), FAST));
        assertThat(report.text()).contains("> 100 %", "nowhere is left out");
        assertThat(report.csv()).contains(",> 100,");
        var files = report.render();
        assertThat(text(files, "report.html")).contains("&gt; 100 %", "nowhere is left out");
        assertThat(text(files, "matched-loss.tex")).contains("$>$ 100 \\%");
    }

    @Test
    void aPublishedFigureStandsOnlyInItsOwnSetting() {
        assertThat(Published.of("three-modality").getFirst().percent(LossKind.SPEECH))
                .contains(24.80);
        assertThat(Published.of("three-modality").getFirst().percent(LossKind.IMAGE))
                .isEmpty();
        assertThat(Published.of("chameleon").getFirst().percent(LossKind.TEXT)).contains(65.40);
        assertThat(Published.of("transfusion").getFirst().percent(LossKind.TEXT))
                .isEmpty();
        assertThat(Published.of("nothing")).isEmpty();
    }

    @Test
    void aPlaceThatCannotBeWrittenToIsNamed() throws IOException {
        var comparison = pair();
        Files.writeString(directory.resolve("blocked"), "a file");
        assertThatThrownBy(() -> new Report("t", comparison).write(directory.resolve("blocked/out")))
                .isInstanceOf(MomException.class)
                .hasMessageContaining("blocked");
    }
}
