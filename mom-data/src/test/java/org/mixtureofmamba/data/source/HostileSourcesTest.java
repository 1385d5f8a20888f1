package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.SmallTokenizers;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.prepare.Preparation;
import org.mixtureofmamba.data.prepare.PrepareProgress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Files that are made to hang, fill or escape; each costs a sample or ends with one line. */
@Timeout(60)
class HostileSourcesTest {
    @TempDir
    Path directory;

    /** Prints what comes of a source, a line a sample. */
    public static void main(String[] arguments) {
        for (var sample : read(arguments[0])) {
            System.out.println(
                    sample instanceof Sample.Rejected rejected ? "rejected: " + rejected.reason() : sample.id());
        }
    }

    private static List<Sample> read(String spec) {
        var samples = new ArrayList<Sample>();
        for (var source : SourceSpec.parse(spec, Setting.THREE_MODALITY)) {
            try (var reader = source.open()) {
                reader.forEachRemaining(samples::add);
            }
        }
        return samples;
    }

    private Path given(String name) throws IOException {
        var file = directory.resolve(name);
        try (var in = HostileSourcesTest.class.getResourceAsStream("/org/mixtureofmamba/data/hostile/" + name)) {
            Files.write(file, in.readAllBytes());
        }
        return file;
    }

    private Sample manifest(String image) throws IOException {
        var file = directory.resolve("manifest.jsonl");
        Files.writeString(file, "{\"image\":\"%s\",\"caption\":\"c\"}\n".formatted(image));
        return read("jsonl:" + file).getFirst();
    }

    private static void assertRejected(Sample sample, String reason) {
        assertThat(sample)
                .isInstanceOfSatisfying(
                        Sample.Rejected.class, s -> assertThat(s.reason()).contains(reason));
    }

    /** Its pages lead back to themselves. */
    @Test
    void aParquetFileThatLeadsInCirclesEnds() throws IOException {
        var file = given("ph.parquet");
        assertThatThrownBy(() -> read("parquet:" + file))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("ph.parquet does not read as Parquet");
    }

    @Test
    void aCallThatWaitsForeverIsEnded() {
        try (var limit = new CallLimit(Duration.ofMillis(200), () -> false)) {
            assertThat(limit.call(() -> 5)).isEqualTo(5);
            assertThatThrownBy(() -> limit.call(() -> {
                        try {
                            new CountDownLatch(1).await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        return false; // as a library that takes an interrupt for the end of its data
                    }))
                    .isInstanceOf(FailureException.class)
                    .hasMessageContaining("gave nothing");
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
        }
    }

    @Test
    void aCallThatWaitsForTheNetworkIsLeftAlone() {
        try (var limit = new CallLimit(Duration.ofMillis(40), () -> true)) {
            assertThat(limit.call(() -> {
                        try {
                            Thread.sleep(300);
                            return "done";
                        } catch (InterruptedException e) {
                            return "interrupted";
                        }
                    }))
                    .isEqualTo("done");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/zero", "../secret.png", "a/../../secret.png", "/etc/passwd"})
    void aManifestNamesFilesBesideItAlone(String name) throws IOException {
        assertRejected(manifest(name), "not beside the manifest");
    }

    @Test
    void devicesAndPipesAreNoMedia() throws Exception {
        Files.createSymbolicLink(directory.resolve("zero.png"), Path.of("/dev/zero"));
        assertRejected(manifest("zero.png"), "a device or a pipe");
        var made = new ProcessBuilder("mkfifo", directory.resolve("pipe.png").toString()).start();
        assertThat(made.waitFor()).isZero();
        assertRejected(manifest("pipe.png"), "a device or a pipe");
        Files.write(directory.resolve("a.png"), new byte[1]);
        Files.createSymbolicLink(directory.resolve("a.txt"), Path.of("/dev/zero"));
        assertRejected(read("media:" + directory).getFirst(), "a device or a pipe");
        assertThatThrownBy(() -> read("pages:/dev/zero"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("a device or a pipe");
    }

    @Test
    void aNameThatIsNoneCostsOneSample() throws IOException {
        var samples = read("jsonl:" + given("nul.jsonl"));
        assertThat(samples).hasSize(3);
        assertRejected(samples.getFirst(), "cannot be the name of a file");
        assertThat(samples.subList(1, 3)).allMatch(sample -> sample instanceof Sample.Text);
        assertRejected(manifest("\\ud800.png"), "cannot be the name of a file");
    }

    /** In the locale "C" Java has no file names beyond ASCII. */
    @Test
    void anyNameMayStandInAManifestInAnyLocale() throws Exception {
        var process = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                HostileSourcesTest.class.getName(),
                "jsonl:" + given("uni.jsonl"));
        process.environment().put("LC_ALL", "C");
        process.redirectError(ProcessBuilder.Redirect.DISCARD);
        var running = process.start();
        var lines = new String(running.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(running.waitFor()).isZero();
        assertThat(lines).hasSize(3);
        assertThat(lines.getFirst()).startsWith("rejected: ").contains("LC_ALL=C.UTF-8");
    }

    /** Halves of characters get into ids, reasons and texts; none of them stops what comes after. */
    @Test
    void halfACharacterStopsNothing() throws IOException {
        var file = directory.resolve("half.jsonl");
        Files.writeString(file, """
                {"id":"\\udc00","image":"\\ud800.png","caption":"c"}
                {"id":"\\ud800","text":"half \\ud800 a character"}
                {"text":"a whole one"}
                """);
        var documents = SmallTokenizers.documents(Setting.CHAMELEON, 0, Augmentation.NONE);
        var manifest = new Preparation(documents, "small", 60, true, 2)
                .run(
                        SourceSpec.parse("jsonl:" + file, Setting.CHAMELEON),
                        directory.resolve("out"),
                        PrepareProgress.SILENT);
        assertThat(manifest.parts().getFirst().documents()).isEqualTo(2);
        assertThat(manifest.parts().getFirst().skipped()).isEqualTo(1);
    }

    @Test
    void bracesWithoutEndAreRefused() {
        assertThatThrownBy(() -> FilePatterns.bytes("{a}".repeat(8000)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("more than 100 braces");
        assertThatThrownBy(() -> FilePatterns.braces("x".repeat(60_000) + "{000000..999999}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("characters in all");
    }

    @Test
    void aBracketThatIsNotClosedIsExplained() {
        assertThatThrownBy(() -> FilePatterns.bytes(directory + "/x[*.csv"))
                .isInstanceOf(UserException.class)
                .hasMessageContainingAll("x[*.csv", "is no pattern");
        assertThatThrownBy(() -> FilePatterns.bytes("a\0b"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("cannot be the name of a file");
    }

    /** Ten kilobytes that say they are three gigabytes of nothing. */
    @Test
    void sparseFilesOfAnArchiveAreLeftOut() throws IOException {
        var tar = given("b2.tar");
        var refused = new ArrayList<String>();
        Archives.unpack(tar, directory.resolve("unpacked"), (entry, why) -> refused.add(entry + ": " + why));
        assertThat(refused).singleElement().asString().startsWith("bomb.txt: a sparse file");
        assertThat(directory.resolve("unpacked")).doesNotExist();
        assertRejected(read("webdataset:" + tar).getFirst(), "a sparse file");
    }
}
