package org.mixtureofmamba.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** Experiments as a user runs them, on a few words. */
class LabCommandTest {
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
    static void prepare() throws IOException {
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
        var prepared = run("data", "prepare", "text:" + text, "--out", corpus(), "--setting", "three-modality");
        assertThat(prepared.exitCode()).as(prepared.err()).isZero();
    }

    private static String corpus() {
        return directory.resolve("corpus").toString();
    }

    private static Outcome lab(String command, String out, String... more) {
        var arguments = new ArrayList<>(List.of(
                command,
                "three-modality",
                "--scale",
                "nano",
                "--data",
                corpus(),
                "--out",
                directory.resolve(out).toString(),
                "--steps",
                "6",
                "data.shares=[]",
                "data.length=16",
                "data.batch=2",
                "eval.tokens=100",
                "backend.threads=1"));
        arguments.addAll(List.of(more));
        return run(arguments.toArray(String[]::new));
    }

    @Test
    void anExperimentIsPlannedSharedAndReported() {
        var plan = lab("repro", "a b", "--plan");
        assertThat(plan.exitCode()).as(plan.err()).isZero();
        var rest = "--scale nano --seeds 1 --models dense,mom --out '" + directory.resolve("a b")
                + "' --only %s steps=6 data.source=" + corpus()
                + " 'data.shares=[]' data.length=16 data.batch=2 eval.tokens=100 backend.threads=1";
        assertThat(plan.out().lines())
                .containsExactly(
                        "mom repro three-modality " + rest.formatted("dense/0"),
                        "mom repro three-modality " + rest.formatted("mom/0"));

        var first = lab("repro", "a b", "--only", "dense/0");
        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(first.out()).isEmpty();
        assertThat(lab("repro", "a b", "--plan").out().lines())
                .containsExactly("mom repro three-modality " + rest.formatted("mom/0"));

        var whole = lab("repro", "a b");
        assertThat(whole.exitCode()).as(whole.err()).isZero();
        assertThat(whole.out()).contains("What mom § needed to reach", "too short to tell");
        assertThat(directory.resolve("a b/report.html")).isNotEmptyFile();
        assertThat(directory.resolve("a b/matched-loss.csv")).isNotEmptyFile();

        var other = lab("repro", "a b", "optimizer.lr=2.0e-3");
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(other.err().lines()).singleElement().asString().contains("nano/dense/seed-0 holds a run of another");
    }

    @Test
    void anAblationIsPlannedAsSixteenRunsASeed() {
        var plan = lab("ablate", "ablation", "--seeds", "2", "--plan");
        assertThat(plan.exitCode()).as(plan.err()).isZero();
        assertThat(plan.out().lines()).hasSize(32).doesNotHaveDuplicates();
        assertThat(plan.out())
                .contains("mom ablate three-modality", "--only in+x+dt+out/1 ")
                .doesNotContain("--models");
        assertThat(lab("ablate", "ablation", "--plan", "--jobs", "2/5").out().lines())
                .hasSize(3);
    }

    @Test
    void badInputEndsWith2AndOneLine() {
        for (var bad : List.of(
                List.of("repro", "four-modality", "--scale", "nano"),
                List.of("repro", "chameleon", "--scale", "giant"),
                List.of("repro", "chameleon", "--scale", "nano", "--seeds", "0"),
                List.of("repro", "chameleon", "--scale", "nano", "--models", "mom"),
                List.of("repro", "chameleon", "--scale", "nano", "--only", "mom/7"),
                List.of("repro", "chameleon", "--scale", "nano", "--jobs", "3/2"),
                List.of("ablate", "chameleon", "--scale", "nano", "model.split=[in]"))) {
            var outcome = run(bad.toArray(String[]::new));
            assertThat(outcome.exitCode()).as(bad.toString()).isEqualTo(2);
            assertThat(outcome.err().lines()).as(bad.toString()).hasSize(1);
        }
        assertThat(run("repro", "chameleon", "--scale", "nano", "--models", "dense,rnn")
                        .exitCode())
                .isEqualTo(2);
    }
}
