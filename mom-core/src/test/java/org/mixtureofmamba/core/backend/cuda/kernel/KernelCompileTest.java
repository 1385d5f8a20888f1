package org.mixtureofmamba.core.backend.cuda.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * Compiles every kernel for each generation of cards, where nvcc is on the machine, and reads the assembler's report.
 * Reports are kept under {@code target}, so that a kernel is compiled again only when it has changed.
 */
class KernelCompileTest {
    private static final List<String> ARCHITECTURES = List.of("sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120a");
    private static final List<String> MUST_NOT_SPILL = List.of(
            "selective_scan_forward.cu",
            "selective_scan_segments.cu",
            "selective_scan_backward.cu",
            "causal_conv1d.cu",
            "grouped_product.cu",
            "adamw_beside.cu");
    private static final Pattern SPILLS = Pattern.compile("(\\d+) bytes spill stores, (\\d+) bytes spill loads");
    private static final Path REPORTS = Path.of("target", "kernels");

    @TempDir
    private Path folder;

    static Stream<Arguments> everyKernel() {
        return ARCHITECTURES.stream()
                .flatMap(architecture -> Stream.concat(
                                KernelSource.files(architecture).stream(), Stream.of(KernelSource.PLAIN))
                        .flatMap(file -> Stream.of(Precision.values())
                                .map(precision -> Arguments.of(file, architecture, precision))));
    }

    @ParameterizedTest
    @MethodSource("everyKernel")
    void compilesWithoutSpilling(String file, String architecture, Precision precision) throws Exception {
        assumeTrue(hasNvcc(), "nvcc is not on this machine: the kernels were not compiled");
        var report = report(KernelSource.resource(file), architecture, precision);
        assertThat(report).contains("Compiling entry function");
        if (MUST_NOT_SPILL.contains(file)) {
            var spills = SPILLS.matcher(report);
            int functions = 0;
            while (spills.find()) {
                functions++;
                assertThat(spills.group()).isEqualTo("0 bytes spill stores, 0 bytes spill loads");
            }
            assertThat(functions).as("functions reported").isPositive();
        }
    }

    @Test
    void everyResourceIsListed() throws Exception {
        var resources = Path.of(KernelSource.class
                        .getResource("/org/mixtureofmamba/core/backend/cuda/common.cuh")
                        .toURI())
                .getParent();
        try (var files = Files.list(resources)) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".cu")))
                    .containsExactlyInAnyOrderElementsOf(KernelSource.FILES);
        }
    }

    private String report(KernelSource source, String architecture, Precision precision) throws Exception {
        var command = new ArrayList<>(List.of("nvcc", "-cubin", "-Xptxas", "-v", "-o", "kernel.cubin", source.name()));
        for (var option : Kernels.options(architecture, precision)) {
            command.add(
                    option.startsWith("--gpu-architecture=")
                            ? "-gencode=arch=%s,code=%s".formatted(architecture.replace("sm", "compute"), architecture)
                            : option);
        }
        var digest =
                MessageDigest.getInstance("SHA-256").digest((source + "\n" + command).getBytes(StandardCharsets.UTF_8));
        var kept = REPORTS.resolve(source.stem() + "-" + HexFormat.of().formatHex(digest, 0, 16) + ".txt");
        if (Files.notExists(kept)) {
            Files.writeString(folder.resolve(source.name()), source.text());
            for (var header : source.headers().entrySet()) {
                Files.writeString(folder.resolve(header.getKey()), header.getValue());
            }
            AtomicFiles.writeString(kept, run(command));
        }
        return Files.readString(kept);
    }

    private static boolean hasNvcc() {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .anyMatch(path -> !path.isBlank() && Files.isExecutable(Path.of(path, "nvcc")));
    }

    private String run(List<String> command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }
}
