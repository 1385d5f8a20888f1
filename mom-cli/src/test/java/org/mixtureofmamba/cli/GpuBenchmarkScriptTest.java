package org.mixtureofmamba.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

/** The script that makes a card's figures, with a launcher in place of mom that notes what it was asked. */
class GpuBenchmarkScriptTest {
    private static final Path SCRIPT =
            Path.of("..", "scripts", "gpu-benchmark.sh").toAbsolutePath();

    private static final String LAUNCHER = """
            #!/bin/sh
            echo "$*" >> "${0%/*}/asked"
            case $1 in
                train) for argument; do case $argument in run=*) mkdir -p "${argument#run=}/checkpoints" ;; esac; done ;;
                bench) echo '{}' ;;
            esac
            """;

    @TempDir
    Path bundle;

    private Path out;

    @BeforeEach
    void unpack() throws IOException {
        Files.createDirectory(bundle.resolve("scripts"));
        Files.copy(SCRIPT, bundle.resolve("scripts/gpu-benchmark.sh"));
        Files.writeString(bundle.resolve("mom"), LAUNCHER);
        assertThat(bundle.resolve("mom").toFile().setExecutable(true)).isTrue();
        out = bundle.resolve("figures");
    }

    private int run(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(
                List.of("sh", bundle.resolve("scripts/gpu-benchmark.sh").toString()));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(bundle.resolve("printed").toFile())
                .start();
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        return process.exitValue();
    }

    @Test
    void asksOnlyForWhatTheCommandLineKnows() throws Exception {
        assertThat(run(out.toString())).isZero();
        var asked = Files.readAllLines(bundle.resolve("asked"));
        assertThat(asked)
                .anyMatch(line -> line.startsWith("bench"))
                .anyMatch(line -> line.startsWith("train"))
                .anyMatch(line -> line.startsWith("compare"));
        for (var line : asked) {
            assertThatCode(() -> Mom.commandLine().parseArgs(line.split(" ")))
                    .as(line)
                    .doesNotThrowAnyException();
            for (var word : line.split(" ")) {
                if (word.contains("/configs/")) {
                    assertThat(Path.of(
                                    "..", "configs", Path.of(word).getFileName().toString()))
                            .exists();
                }
            }
        }
        assertThat(out.resolve("cuda-step.jsonl")).isNotEmptyFile();
        assertThat(out.resolve("37m-three-modality/mom/checkpoints")).doesNotExist();
        assertThat(bundle.resolve("figures.tar")).isNotEmptyFile();
    }

    @Test
    void makesTheFiguresThatAreNamed() throws Exception {
        assertThat(run(out.toString(), "parity")).isZero();
        assertThat(Files.readAllLines(bundle.resolve("asked")))
                .hasSize(3)
                .allMatch(line -> line.startsWith("doctor") || line.contains("model.scale=tiny"));
    }

    @Test
    void refusesWhatItDoesNotKnowAndAFolderThatIsThere() throws Exception {
        assertThat(run()).isEqualTo(2);
        assertThat(run(out.toString(), "speed")).isEqualTo(2);
        assertThat(bundle.resolve("printed")).content().startsWith("gpu-benchmark: no figures are called 'speed'");
        Files.createDirectory(out);
        assertThat(run(out.toString())).isEqualTo(2);
        assertThat(bundle.resolve("printed")).content().contains("exists already");
        assertThat(bundle.resolve("asked")).doesNotExist();
    }
}
