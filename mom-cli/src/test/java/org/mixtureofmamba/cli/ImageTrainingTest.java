package org.mixtureofmamba.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code mom tokenizer train image}. */
class ImageTrainingTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    @TempDir
    private Path directory;

    @BeforeEach
    void drawSomething() throws IOException {
        Files.createDirectories(directory.resolve("images"));
        for (int i = 0; i < 12; i++) {
            var image = new java.awt.image.BufferedImage(64, 64, java.awt.image.BufferedImage.TYPE_INT_RGB);
            for (int pixel = 0; pixel < 64 * 64; pixel++) {
                image.setRGB(pixel % 64, pixel / 64, (pixel * (i + 3) * 2654435 ^ pixel / 64 * 40_503 * i) & 0xFFFFFF);
            }
            ImageFiles.write(directory.resolve("images/noise%02d.png".formatted(i)), image);
        }
    }

    private List<String> arguments(Path out, String... more) {
        var arguments = new ArrayList<>(List.of(
                "tokenizer",
                "train",
                "image",
                directory.resolve("images").toString(),
                "--out",
                out.toString(),
                "--batch",
                "2"));
        arguments.addAll(List.of(more));
        return arguments;
    }

    @Test
    void modelsAreTrainedByNameAndUsed() {
        var out = new StringWriter();
        var err = new StringWriter();
        Path vq = directory.resolve("vq.safetensors");
        assertThat(run(arguments(vq, "--steps", "3", "--size", "8", "--json"), out, err))
                .as(err::toString)
                .isZero();
        var json = JsonMapper.shared().readTree(out.toString());
        assertThat(json.path("model").asString()).isEqualTo("vq-64");
        assertThat(json.path("steps").asInt()).isEqualTo(3);
        assertThat(json.path("files").asInt()).isEqualTo(12);
        assertThat(json.path("reconstruction").asDouble()).isPositive();
        assertThat(err.toString()).contains("trained on 12 files");
        assertThat(directory.resolve("vq.safetensors.checkpoint")).doesNotExist();
        var ids = new StringWriter();
        assertThat(run(
                        List.of(
                                "tokenizer",
                                "encode",
                                "image",
                                directory.resolve("images/noise03.png").toString(),
                                "--tokenizer",
                                vq.toString()),
                        ids,
                        err))
                .isZero();
        assertThat(ids.toString()).matches("([0-7] ){63}[0-7]\n");
        Path kl = directory.resolve("kl.safetensors");
        assertThat(run(arguments(kl, "--model", "kl-64", "--steps", "2"), out, err))
                .as(err::toString)
                .isZero();
        assertThat(kl).exists();
        assertThat(run(arguments(kl, "--model", "kl-64", "--size", "8"), out, err))
                .isEqualTo(2);
        assertThat(run(arguments(kl, "--model", "vq-65"), out, err)).isEqualTo(2);
        assertThat(err.toString()).contains("kl-64 has no codes", "'vq-65'");
    }

    private static int run(List<String> arguments, StringWriter out, StringWriter err) {
        return Mom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments.toArray(String[]::new));
    }

    @Tag("slow")
    @Test
    void aTrainingAskedToStopGoesOnToTheSameModel() throws Exception {
        String[] settings = {"--steps", "150", "--size", "8"};
        Path whole = directory.resolve("whole");
        Path broken = directory.resolve("broken");
        Path checkpoint = directory.resolve("broken.checkpoint");
        assertThat(finish(start(arguments(whole, settings)))).isZero();
        var stopped = start(arguments(broken, settings));
        var log = directory.resolve("log");
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (stopped.isAlive() && !Files.readString(log).contains("of 150 steps")) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(5);
        }
        stopped.destroy();
        finish(stopped);
        assertThat(checkpoint).exists();
        assertThat(broken).doesNotExist();
        var err = new StringWriter();
        assertThat(run(arguments(broken, "--steps", "151", "--size", "8"), new StringWriter(), err))
                .isEqualTo(2);
        assertThat(err.toString()).contains("broken.checkpoint", "other settings");
        assertThat(finish(start(arguments(broken, settings)))).isZero();
        assertThat(broken).hasSameBinaryContentAs(whole);
        assertThat(checkpoint).doesNotExist();
    }

    private Process start(List<String> arguments) throws IOException {
        var command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Mom.class.getName()));
        command.addAll(arguments);
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile());
        builder.environment().put("OMP_NUM_THREADS", "1");
        return builder.start();
    }

    private static int finish(Process process) throws InterruptedException {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
