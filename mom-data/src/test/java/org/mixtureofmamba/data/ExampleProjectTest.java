package org.mixtureofmamba.data;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.prepare.Preparation;
import org.mixtureofmamba.data.prepare.PrepareProgress;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Another project reads shards with three modules of this one: {@code examples/read-shards}, compiled and run in
 * processes of its own, on a class path without tests, without mom-train and what comes after it, and without what only
 * tests of this module use.
 */
class ExampleProjectTest {
    private static final List<String> ONLY_FOR_TESTS = List.of(
            "test-classes", "junit", "assertj", "s3proxy", "testcontainers", "jetty", "opentest4j", "slf4j-nop");

    @TempDir
    Path directory;

    @Test
    void readsShardsWithThreeModules() throws Exception {
        var example = Path.of(System.getProperty("mom.root"), "examples/read-shards");
        assertThat(dependencies(example.resolve("pom.xml"))).containsExactly("mom-core", "mom-tokenizers", "mom-data");
        new Preparation(
                        SmallTokenizers.documents(Setting.THREE_MODALITY, 0.1, Augmentation.NONE),
                        "small",
                        60,
                        false,
                        2)
                .run(
                        List.of(SampleSource.texts(100, 1), SampleSource.images(50, 2), SampleSource.clips(20, 3)),
                        directory.resolve("corpus"),
                        PrepareProgress.SILENT);
        var classPath = Arrays.stream(
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                                .split(File.pathSeparator))
                .filter(entry -> ONLY_FOR_TESTS.stream().noneMatch(entry::contains))
                .collect(Collectors.joining(File.pathSeparator));
        var bin = Path.of(System.getProperty("java.home"), "bin");
        run(
                bin.resolve("javac").toString(),
                "-d",
                directory.resolve("classes").toString(),
                "-cp",
                classPath,
                example.resolve("src/main/java/example/ReadShards.java").toString());
        var output = run(
                bin.resolve("java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                directory.resolve("classes") + File.pathSeparator + classPath,
                "example.ReadShards",
                directory.resolve("corpus").toString());
        assertThat(output).contains("text: ", "images: ", "speech: ", "a batch of 1024 tokens, sorted by modality");
    }

    private static List<String> dependencies(Path pom) throws IOException {
        var section = Files.readString(pom).replaceAll("(?s)<build>.*</build>", "");
        var names = new ArrayList<String>();
        var matcher =
                Pattern.compile("<dependency>.*?<artifactId>(.*?)</artifactId>").matcher(section);
        while (matcher.find()) {
            names.add(matcher.group(1));
        }
        return names;
    }

    private static String run(String... command) throws Exception {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
