package org.mixtureofmamba.tokenizers;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.tools.ToolProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A separate project ({@code src/test/consumer}) compiles and runs with mom-core, mom-tokenizers and what they bring,
 * and nothing else.
 */
class ConsumerTest {
    /** Of the test class path what only tests need. */
    private static final List<String> TESTS_ONLY = List.of(
            "test-classes",
            "junit",
            "assertj",
            "byte-buddy",
            "opentest4j",
            "apiguardian",
            "jspecify",
            "surefire",
            "huggingface",
            "ai/djl");

    @TempDir
    private Path directory;

    @Test
    void aSeparateProjectDoesRoundTripsWithThisModuleAlone() throws Exception {
        String classPath = Arrays.stream(testClassPath().split(File.pathSeparator))
                .filter(entry -> TESTS_ONLY.stream().noneMatch(entry::contains))
                .collect(Collectors.joining(File.pathSeparator));
        assertThat(classPath).contains("mom-core").doesNotContain("mom-data", "mom-train", "mom-eval", "mom-cli");
        Path consumer = Path.of(System.getProperty("mom.root", ".."), "mom-tokenizers/src/test/consumer");
        assertThat(Files.readString(consumer.resolve("pom.xml")).split("<artifactId>"))
                .as("itself and one dependency")
                .hasSize(3);
        Path source = consumer.resolve("src/main/java/example/RoundTrips.java");
        int compiled = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-proc:none", "-cp", classPath, "-d", directory.toString(), source.toString());
        assertThat(compiled).isZero();
        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "-Xmx1g",
                        "-cp",
                        directory + File.pathSeparator + classPath,
                        "example.RoundTrips",
                        directory.toString())
                .redirectErrorStream(true)
                .start();
        String output = output(process);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output).contains("round trips of text, image and speech: well");
        assertThat(process.exitValue()).isZero();
    }

    private static String output(Process process) throws IOException {
        try (var in = process.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String testClassPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }
}
