package org.mixtureofmamba.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.train.ConfigReader;
import org.mixtureofmamba.train.TrainingData;
import org.mixtureofmamba.train.TrainingListener;
import org.mixtureofmamba.train.TrainingRun;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Two small runs, compared as a user does: one learns faster than the other by its learning rate, which is constant, so
 * that a run of its matched share ends where the match was read.
 */
class CompareCommandTest {
    private static final int STEPS = 160;

    @TempDir
    static Path directory;

    private record Outcome(int exitCode, String out, String err) {}

    private static Outcome run(String... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        int exit = Mom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
        return new Outcome(exit, out.toString(), err.toString());
    }

    @BeforeAll
    static void train() throws IOException {
        var text = Files.createDirectories(directory.resolve("text"));
        var random = new SplittableRandom(1);
        for (int i = 0; i < 60; i++) {
            var words = new StringBuilder();
            for (int w = 0; w < 80; w++) {
                words.append(List.of("the ", "cat ", "sat ", "on ", "a ", "mat. ", "and ", "sang ")
                        .get(random.nextInt(8)));
            }
            Files.writeString(text.resolve("page-%02d.txt".formatted(i)), words);
        }
        var corpus = directory.resolve("corpus").toString();
        var prepared = run("data", "prepare", "text:" + text, "--out", corpus, "--setting", "chameleon");
        assertThat(prepared.exitCode()).as(prepared.err()).isZero();
        train("slow", "optimizer.lr=2.0e-3", corpus);
        train("fast", "optimizer.lr=6.0e-3", corpus);
    }

    private static void train(String name, String rate, String corpus) {
        var config = new ConfigReader()
                .of(List.of(
                        "data.source=" + corpus,
                        "data.setting=chameleon",
                        "data.length=16",
                        "data.batch=4",
                        "model.kind=dense",
                        "model.scale=16x1",
                        "backend.threads=1",
                        "optimizer.schedule=constant",
                        "optimizer.warmup=4",
                        rate,
                        "steps=" + STEPS,
                        "eval.every=4",
                        "eval.tokens=2000",
                        "run=" + directory.resolve(name)));
        try (var data = TrainingData.open(config, PrepareProgress.SILENT)) {
            new TrainingRun(config, data, TrainingListener.SILENT, () -> false, Duration.ZERO).train(false);
        }
    }

    private static String path(String name) {
        return directory.resolve(name).toString();
    }

    @Test
    void aMatchIsPutToTheTestByTrainingForItsShare() throws IOException {
        var outcome =
                run("compare", path("slow"), path("fast"), "--out", path("report"), "--confirm", "text", "--json");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        var json = JsonMapper.builder().build().readTree(outcome.out());
        double percent = json.at("/comparisons/0/models/0/losses/0/held_out/steps/percent")
                .asDouble();
        var tried = json.at("/confirmations/0");
        assertThat(tried.at("/percent").asDouble()).isEqualTo(percent).isBetween(5.0, 100.0);
        var again = new ConfigReader().read(directory.resolve("report/confirm/fast-text/config.yaml"), List.of());
        assertThat(again.steps()).isEqualTo(Math.round(percent / 100 * STEPS));
        assertThat(again.optimizer().warmup()).isLessThanOrEqualTo(4);
        assertThat(Files.readString(directory.resolve("report/report.html"))).contains("Put to the test");
        assertThat(Math.abs(tried.at("/landed").asDouble() - tried.at("/target").asDouble()))
                .isLessThan(0.5);
    }

    @Test
    void whatCannotBeComparedIsNamedAndTheRestGoesOn() throws IOException {
        var empty = Files.createDirectories(directory.resolve("empty"));
        var outcome = run("compare", path("slow"), path("fast"), empty.toString(), "--out", path("rest"));
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("fast", empty + " is left out", "Not a fair pair");
    }

    @Test
    void aRunBesideItselfEndsWith2AndSaysSo() {
        var outcome = run("compare", path("slow"), path("slow"), "--out", path("none"));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("nothing is left to compare", "it is the baseline itself");
        assertThat(outcome.err().strip().lines()).hasSize(1);
    }

    @Test
    void theWindowIsBounded() {
        var outcome = run("compare", path("slow"), path("fast"), "--out", path("none"), "--window", "0.9");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("a window of 0.9");
    }
}
