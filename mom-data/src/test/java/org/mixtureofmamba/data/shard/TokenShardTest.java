package org.mixtureofmamba.data.shard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.Vocabulary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

class TokenShardTest {
    private static final Vocabulary NARROW = new Vocabulary(100, 20, 10);
    private static final Vocabulary WIDE = new Vocabulary(70_000, 20, 10);

    @TempDir
    Path directory;

    private Path written(Vocabulary vocabulary, int... lengths) {
        var file = directory.resolve("a.tokens");
        var writer = new TokenShardWriter(vocabulary);
        for (int d = 0; d < lengths.length; d++) {
            writer.add("dokument-ü-" + d, d % 3 == 1, ids(vocabulary, d, lengths[d]));
        }
        writer.write(file);
        return file;
    }

    private static int[] ids(Vocabulary vocabulary, int document, int length) {
        return new Random(document).ints(length, 0, vocabulary.size()).toArray();
    }

    @Test
    void givesBackWhatWasWritten() {
        for (var vocabulary : new Vocabulary[] {NARROW, WIDE}) {
            int[] lengths = {3, 0, 17, 1, 0};
            try (var shard = TokenShard.open(written(vocabulary, lengths))) {
                assertThat(shard.documents()).isEqualTo(5);
                assertThat(shard.tokens()).isEqualTo(21);
                assertThat(shard.vocabularySize()).isEqualTo(vocabulary.size());
                for (int d = 0; d < lengths.length; d++) {
                    assertThat(shard.tokens(d)).containsExactly(ids(vocabulary, d, lengths[d]));
                    assertThat(shard.id(d)).isEqualTo("dokument-ü-" + d);
                    assertThat(shard.heldOut(d)).isEqualTo(d % 3 == 1);
                }
                assertThat(shard.token(2, 16)).isEqualTo(ids(vocabulary, 2, 17)[16]);
                for (var modality : Modality.values()) {
                    long expected = IntStream.of(0, 2, 3)
                            .flatMap(d -> IntStream.of(ids(vocabulary, d, lengths[d])))
                            .filter(id -> vocabulary.modalityOf(id) == modality)
                            .count();
                    assertThat(shard.tokens(false, modality)).isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void anEmptyShardIsAShard() {
        try (var shard = TokenShard.open(written(NARROW))) {
            assertThat(shard.documents()).isZero();
            assertThat(shard.tokens()).isZero();
        }
    }

    /** Each bit of the header, and one bit of every other byte. */
    @Test
    void anyFlippedBitIsDetectedAndNamed() throws IOException {
        var file = written(NARROW, 5, 9, 2);
        var whole = Files.readAllBytes(file);
        var random = new Random(1);
        var header = IntStream.range(0, 8 * ShardFormat.HEADER);
        var rest = IntStream.range(ShardFormat.HEADER, whole.length).map(at -> at * 8 + random.nextInt(8));
        for (int bit : IntStream.concat(header, rest).toArray()) {
            var damaged = whole.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file, damaged);
            assertThatThrownBy(() -> TokenShard.open(file).close())
                    .as("bit %d", bit)
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("a.tokens");
        }
    }

    @Test
    void everyTruncationIsDetected() throws IOException {
        var file = written(NARROW, 5, 9, 2);
        var whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length += 7) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> TokenShard.open(file).close()).isInstanceOf(UserException.class);
        }
        Files.write(file, Arrays.copyOf(whole, whole.length + 64));
        assertThatThrownBy(() -> TokenShard.open(file).close()).isInstanceOf(UserException.class);
    }

    @Test
    void refusesIdsOutsideTheVocabulary() {
        var file = directory.resolve("b.tokens");
        var writer = new TokenShardWriter(NARROW);
        assertThatThrownBy(() -> writer.add("d", false, new int[] {NARROW.size()}))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(file).doesNotExist();
    }

    /** The checksums of these files are right: a stranger computes them too. */
    @Test
    void refusesIndexesAndIdsThatChecksumsVouchFor() throws IOException {
        var file = directory.resolve("runs-not-multiple-of-4.tokens");
        try (var in = TokenShardTest.class.getResourceAsStream(
                "/org/mixtureofmamba/data/hostile/runs-not-multiple-of-4.tokens")) {
            Files.write(file, in.readAllBytes());
        }
        change(file, ShardFormat.AT_TOKEN_BYTES, Short.BYTES);
        assertThatThrownBy(() -> TokenShard.open(file).close())
                .isInstanceOf(UserException.class)
                .hasMessageContainingAll(file.getFileName().toString(), "end inside a number");
        for (var vocabulary : new Vocabulary[] {NARROW, WIDE}) {
            var beyond = written(vocabulary, 5, 9);
            change(beyond, ShardFormat.AT_VOCABULARY, 20);
            assertThatThrownBy(() -> TokenShard.open(beyond).close())
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("an id beyond its vocabulary of 20");
        }
    }

    /** Writes a number into the header, and the checksum that then is right. */
    private static void change(Path file, int at, int value) throws IOException {
        var bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int sections = bytes.getInt(ShardFormat.AT_SECTIONS);
        bytes.putInt(at, value);
        bytes.putInt(ShardFormat.AT_CRC, 0);
        var crc = new CRC32C();
        crc.update(
                bytes.array(), 0, (int) ShardFormat.aligned(ShardFormat.HEADER + (long) sections * ShardFormat.ENTRY));
        bytes.putInt(ShardFormat.AT_CRC, (int) crc.getValue());
        Files.write(file, bytes.array());
    }

    /** Written when a run had two bits for its modality. */
    @Test
    void readsShardsOfVersionOne() throws IOException {
        var file = directory.resolve("version-1.tokens");
        try (var in = TokenShardTest.class.getResourceAsStream("/org/mixtureofmamba/data/version-1.tokens")) {
            Files.write(file, in.readAllBytes());
        }
        int[] lengths = {3, 0, 17};
        try (var shard = TokenShard.open(file);
                var now = TokenShard.open(written(NARROW, lengths))) {
            for (int d = 0; d < lengths.length; d++) {
                assertThat(shard.tokens(d)).containsExactly(now.tokens(d));
            }
            for (var modality : Modality.values()) {
                assertThat(shard.tokens(false, modality))
                        .isEqualTo(now.tokens(false, modality))
                        .isPositive();
            }
        }
    }

    @Test
    void namesTheVersionItCannotRead() throws IOException {
        var file = written(NARROW, 3);
        change(file, ShardFormat.AT_VERSION, 3);
        assertThatThrownBy(() -> TokenShard.open(file).close())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("its format is version 3, this program reads 1 to 2");
    }

    /** Runs the reader that docs/data-format.md shows, with the machine's own Python. */
    @Test
    void readsFromPythonAsDocumented() throws Exception {
        assumeTrue(hasPython(), "there is no python3");
        var docs = Files.readString(Path.of(System.getProperty("mom.root"), "docs/data-format.md"));
        var reader = docs.substring(docs.indexOf("```python") + 10, docs.indexOf("```\n", docs.indexOf("```python")));
        for (var vocabulary : new Vocabulary[] {NARROW, WIDE}) {
            var file = written(vocabulary, 3, 0, 17);
            var program = reader + """
                    import sys
                    documents, held_out = read_shard(sys.argv[1])
                    for document, held in zip(documents, held_out):
                        print(held, *document)
                    """;
            var process = new ProcessBuilder("python3", "-c", program, file.toString())
                    .redirectErrorStream(true)
                    .start();
            var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            assertThat(process.waitFor()).as(String.join("\n", output)).isZero();
            for (int d = 0; d < 3; d++) {
                var ids = IntStream.of(ids(vocabulary, d, new int[] {3, 0, 17}[d]))
                        .mapToObj(String::valueOf);
                var expected =
                        Stream.concat(Stream.of(d == 1 ? "True" : "False"), ids).collect(Collectors.joining(" "));
                assertThat(output.get(d)).isEqualTo(expected);
            }
        }
    }

    private static boolean hasPython() {
        try {
            return new ProcessBuilder("python3", "--version").start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
