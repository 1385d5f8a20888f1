package org.mixtureofmamba.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.train.ConfigReader;
import org.mixtureofmamba.train.RunConfig;
import picocli.CommandLine;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

class CommandLineTest {
    @TempDir
    Path directory;

    /** What a command printed and how it ended. */
    private record Outcome(int exitCode, String out, String err) {}

    private static Outcome run(String... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        int exitCode = Mom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    @Test
    void everyCommandHasHelp() {
        assertThat(run("--help").out())
                .contains(
                        "demo",
                        "train",
                        "watch",
                        "eval",
                        "compare",
                        "repro",
                        "ablate",
                        "check",
                        "bench",
                        "doctor",
                        "tokenizer",
                        "data");
        assertHelp(Mom.commandLine(), List.of());
    }

    private static void assertHelp(CommandLine command, List<String> path) {
        command.getSubcommands().forEach((name, sub) -> {
            if (!name.equals("help")) {
                var arguments = new java.util.ArrayList<>(path);
                arguments.add(name);
                assertHelp(sub, List.copyOf(arguments));
                arguments.add("--help");
                var outcome = run(arguments.toArray(String[]::new));
                assertThat(outcome.exitCode()).as(name).isZero();
                assertThat(outcome.out()).as(name).contains("Usage: mom");
            }
        });
    }

    @Test
    void badUsageEndsWith2AndOneLineThatSaysWhy() {
        assertThat(run("trian")).satisfies(o -> {
            assertThat(o.exitCode()).isEqualTo(2);
            assertThat(o.err()).startsWith("mom: ").contains("trian");
        });
        assertThat(run("compare", "a", "b").exitCode()).isEqualTo(2);
        assertThat(run("train").exitCode()).isEqualTo(2);
        assertThat(run("tokenizer").exitCode()).isEqualTo(2);
        assertThat(run("bench", "--model", "rnn").exitCode()).isEqualTo(2);
        assertThat(run("bench", "--backend", "abacus")).satisfies(o -> {
            assertThat(o.exitCode()).isEqualTo(2);
            assertThat(o.err()).contains("no backend 'abacus'");
        });
    }

    @Test
    void anUnknownKeyNamesFileLineAndNearest() throws IOException {
        var file = Files.writeString(directory.resolve("run.yaml"), "seed: 1\nstepps: 4\n");
        var outcome = run("train", file.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err().strip()).isEqualTo("mom: " + file + ":2: unknown key 'stepps'; did you mean 'steps'?");
    }

    @Test
    void anEngineThatThisBuildLacksIsNamedBeforeAnythingIsWritten() {
        var out = directory.resolve("out");
        var outcome = run("data", "prepare", "demo", "--engine", "no-such", "--out", out.toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("this build has no engine 'no-such'");
        assertThat(out).doesNotExist();
    }

    @Test
    void missingFilesAreNamed() {
        var none = directory.resolve("none").toString();
        for (var arguments : List.of(
                new String[] {"train", none},
                new String[] {"eval", none},
                new String[] {"compare", none, none, "--out", none},
                new String[] {"check", none},
                new String[] {"data", "inspect", none},
                new String[] {"data", "copy", none, none + "-copy"},
                new String[] {"tokenizer", "encode", "text", none},
                new String[] {"tokenizer", "encode", "image", none},
                new String[] {"tokenizer", "encode", "speech", none})) {
            var outcome = run(arguments);
            assertThat(outcome.exitCode()).as(String.join(" ", arguments)).isEqualTo(2);
            assertThat(outcome.err().lines()).as(String.join(" ", arguments)).hasSize(1);
            assertThat(outcome.err()).contains(none);
        }
    }

    @Test
    void debugShowsTheStack() {
        assertThat(run("--debug", "eval", directory.resolve("none").toString()).err())
                .contains("\tat ");
        assertThat(run("eval", "--debug", directory.resolve("none").toString()).err())
                .contains("\tat ");
    }

    @Test
    void doctorTellsOfEveryBackend() {
        assertThat(run("doctor").out()).contains("cpu", "reference", "java", "nd4j-cuda");
        var json = JsonMapper.shared().readTree(run("doctor", "--json").out());
        assertThat(json.path("obstacles").has("cpu")).isTrue();
    }

    @Test
    void benchSpeaksJson() {
        var outcome = run(
                "bench",
                "--scale",
                "nano",
                "--model",
                "dense,mom",
                "--steps",
                "1",
                "--length",
                "16",
                "--batch",
                "2",
                "--vocabulary",
                "64",
                "--json");
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out().lines()).hasSize(2).allSatisfy(line -> {
            var json = JsonMapper.shared().readTree(line);
            for (var key : List.of("tokens_per_s", "step_ms", "flops_per_s", "peak_memory_bytes")) {
                assertThat(json.path(key).asDouble(0)).as(key).isPositive();
            }
        });
    }

    @Test
    void encodedTextIsALineAFile() throws IOException {
        var first = Files.writeString(directory.resolve("a.txt"), "a picture of a cat\n");
        var second = Files.writeString(directory.resolve("b.txt"), "");
        var outcome = run("tokenizer", "encode", "text", first.toString(), second.toString());
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out().split("\n", -1)).hasSize(3).satisfies(lines -> {
            assertThat(lines[0]).matches("\\d+( \\d+)+");
            assertThat(lines[1]).isEmpty();
        });
    }

    @Test
    void theDemoIsTheRunFilesOfConfigs() {
        var configs = Path.of(System.getProperty("mom.root", "..")).resolve("configs");
        for (var kind : DemoCommand.KINDS) {
            var name = RunConfig.key(kind);
            var settings = new java.util.ArrayList<>(DemoCommand.settings(kind, false));
            settings.add("run=runs/demo/" + name + "/seed-0");
            assertThat(new ConfigReader().of(settings))
                    .isEqualTo(new ConfigReader().read(configs.resolve("demo-" + name + ".yaml"), List.of()));
        }
    }

    @Test
    void everyRunFileIsValid() throws IOException {
        var configs = Path.of(System.getProperty("mom.root", "..")).resolve("configs");
        try (var files = Files.list(configs)) {
            assertThat(files.filter(file -> file.toString().endsWith(".yaml")).toList())
                    .isNotEmpty()
                    .allSatisfy(file -> new ConfigReader().read(file, List.of()));
        }
    }
}
