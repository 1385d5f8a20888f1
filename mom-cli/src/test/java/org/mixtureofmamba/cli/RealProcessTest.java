package org.mixtureofmamba.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.train.ConfigReader;

import static org.assertj.core.api.Assertions.assertThat;

/** Training as the user runs it: a process of its own, killed and taken up again. */
class RealProcessTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final int STEPS = 200;
    /** Columns that only the clock and the meters decide: wall_s, tokens_per_s, mfu, energy_j. */
    private static final List<Integer> CLOCK = List.of(3, 10, 11, 12);
    /** Likewise in heldout.csv: wall_s, energy_j. */
    private static final List<Integer> HELD_OUT_CLOCK = List.of(3, 4);

    @TempDir
    static Path directory;

    /** A small corpus of text, so that starting a process costs little. */
    @BeforeAll
    static void prepare() throws IOException {
        var text = directory.resolve("text");
        Files.createDirectories(text);
        var random = new SplittableRandom(1);
        for (int i = 0; i < 60; i++) {
            var words = new StringBuilder();
            for (int w = 0; w < 80; w++) {
                words.append(List.of("the ", "cat ", "sat ", "on ", "a ", "mat. ", "and ", "sang ")
                        .get(random.nextInt(8)));
            }
            Files.writeString(text.resolve("page-%02d.txt".formatted(i)), words);
        }
        int exit = Mom.commandLine()
                .execute(
                        "data",
                        "prepare",
                        "text:" + text,
                        "--out",
                        directory.resolve("corpus").toString(),
                        "--setting",
                        "chameleon");
        assertThat(exit).isZero();
        var config = new ConfigReader()
                .of(List.of(
                        "data.source=" + directory.resolve("corpus"),
                        "data.setting=" + Setting.CHAMELEON.key(),
                        "data.length=16",
                        "data.batch=2",
                        "model.scale=16x1",
                        "backend.threads=1",
                        "steps=" + STEPS,
                        "checkpoint.every=20",
                        "eval.every=50",
                        "eval.tokens=1"));
        new ConfigReader().write(config, directory.resolve("run.yaml"));
    }

    @Test
    void aRunKilledAtARandomMomentAndResumedEqualsAnUnbrokenOne() throws Exception {
        assertThat(finish(start("whole"))).isZero();
        long seed = System.nanoTime();
        var killed = start("killed");
        long steps = 1 + new SplittableRandom(seed).nextInt(STEPS - 20);
        waitForRows("killed", steps, killed);
        killed.destroyForcibly();
        killed.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertThat(finish(start("killed", "--resume"))).isZero();
        assertThat(metrics("killed"))
                .as("killed after %d rows", steps)
                .isEqualTo(metrics("whole"))
                .hasSize(STEPS + 1);
        assertThat(rows("killed", "heldout.csv", HELD_OUT_CLOCK))
                .isEqualTo(rows("whole", "heldout.csv", HELD_OUT_CLOCK))
                .hasSize(STEPS / 50 + 1);
    }

    @Test
    void aRunAskedToStopSavesWhereItIs() throws Exception {
        var process = start("stopped", "checkpoint.every=100000");
        waitForRows("stopped", 5, process);
        process.destroy();
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        long rows = metrics("stopped").size() - 1;
        if (rows < STEPS) {
            assertThat(directory.resolve("stopped/checkpoints/step-" + rows + "/trainer.json"))
                    .exists();
        }
        assertThat(finish(start("stopped", "checkpoint.every=100000", "--resume")))
                .isZero();
        assertThat(metrics("stopped")).hasSize(STEPS + 1);
    }

    /** The page of a run, from the process that a user starts, which ends when it is told to. */
    @Test
    void watchServesTheRunUntilItIsEnded() throws Exception {
        assertThat(finish(start("watched", "steps=20", "eval.every=10"))).isZero();
        var process = mom("watch", directory.resolve("watched").toString())
                .redirectError(directory.resolve("watch.log").toFile())
                .start();
        try (var out = process.inputReader();
                var client = HttpClient.newHttpClient()) {
            var address = URI.create(out.readLine());
            var json = client.send(
                    HttpRequest.newBuilder(address.resolve("runs.json")).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(json.body()).contains("\"state\":\"FINISHED\"", "\"step\":20", "\"loss_text\"");
        } finally {
            process.destroy();
        }
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aRunIsExtendedByTheCommand() throws Exception {
        assertThat(finish(start("extended", "steps=10"))).isZero();
        assertThat(finish(start("extended", "steps=12", "--resume"))).isEqualTo(2);
        assertThat(finish(start("extended", "steps=12", "--extend"))).isZero();
        assertThat(metrics("extended")).hasSize(13);
        assertThat(Files.readString(directory.resolve("extended/history.jsonl")))
                .contains("\"after\":\"12\"");
    }

    private static Process start(String run, String... arguments) throws IOException {
        var all = new ArrayList<>(
                List.of("train", directory.resolve("run.yaml").toString(), "run=" + directory.resolve(run)));
        all.addAll(List.of(arguments));
        return mom(all.toArray(String[]::new))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve(run + ".log").toFile()))
                .start();
    }

    /** A process of the whole command line. */
    private static ProcessBuilder mom(String... arguments) {
        var command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Mom.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command);
    }

    private static int finish(Process process) throws InterruptedException {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private static void waitForRows(String run, long rows, Process process) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (process.isAlive() && metrics(run).size() <= rows) {
            assertThat(System.nanoTime()).as("patience").isLessThan(deadline);
            Thread.sleep(2);
        }
    }

    private static List<String> metrics(String run) throws IOException {
        return rows(run, "metrics.csv", CLOCK);
    }

    private static List<String> rows(String run, String table, List<Integer> clock) throws IOException {
        var file = directory.resolve(run).resolve(table);
        if (!Files.exists(file)) {
            return List.of();
        }
        return Files.readAllLines(file).stream()
                .map(line -> {
                    var cells = new ArrayList<>(List.of(line.split(",", -1)));
                    clock.stream().filter(column -> column < cells.size()).forEach(column -> cells.set(column, ""));
                    return String.join(",", cells);
                })
                .toList();
    }
}
