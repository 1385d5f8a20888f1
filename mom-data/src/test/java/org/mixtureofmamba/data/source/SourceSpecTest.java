package org.mixtureofmamba.data.source;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

import com.github.luben.zstd.ZstdOutputStream;
import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.xz.XZCompressorOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.Setting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Every kind of source on real files: images and clips of the demo corpus, unpacked. */
class SourceSpecTest {
    @TempDir
    Path directory;

    private byte[] image;
    private byte[] clip;

    @BeforeEach
    void unpackOneOfEach() throws IOException {
        image = entry("images.tar.gz", "1F98A.png");
        clip = entry("speech.tar.gz", "activated.flac");
        write("a/fox.png", image);
        write("a/fox.txt", "a fox\n");
        write("a/clip.flac", clip);
        write("a/clip.txt", "Activated.");
        write("alone.png", image);
    }

    private static byte[] entry(String archive, String name) throws IOException {
        var packed = Bytes.ofResource(DemoCorpus.class, "/org/mixtureofmamba/data/demo/" + archive);
        try (var tar = new TarArchiveInputStream(packed.open())) {
            while (!tar.getNextEntry().getName().equals(name)) {
                // the next one
            }
            return tar.readAllBytes();
        }
    }

    private void write(String name, byte[] bytes) throws IOException {
        Files.createDirectories(directory.resolve(name).getParent());
        Files.write(directory.resolve(name), bytes);
    }

    private void write(String name, String text) throws IOException {
        write(name, text.getBytes(StandardCharsets.UTF_8));
    }

    private List<Sample> samples(String kind, String path) {
        var samples = new ArrayList<Sample>();
        for (var source : SourceSpec.parse(kind + ":" + directory.resolve(path), Setting.THREE_MODALITY)) {
            var whole = read(source);
            var pieces = source.pieces().stream()
                    .flatMap(piece -> read(piece).stream())
                    .toList();
            assertThat(pieces)
                    .extracting(Sample::id)
                    .containsExactlyElementsOf(whole.stream().map(Sample::id).toList());
            assertThat(pieces)
                    .extracting(Sample::contentHash)
                    .containsExactlyElementsOf(
                            whole.stream().map(Sample::contentHash).toList());
            samples.addAll(whole);
        }
        return samples;
    }

    private static List<Sample> read(Source source) {
        var samples = new ArrayList<Sample>();
        try (var reader = source.open()) {
            reader.forEachRemaining(samples::add);
        }
        return samples;
    }

    private void assertFox(Sample sample, String caption) {
        assertThat(sample).isInstanceOfSatisfying(Sample.CaptionedImage.class, s -> {
            assertThat(s.caption()).isEqualTo(caption);
            assertThat(s.image()).isEqualTo(image);
        });
    }

    private void assertClip(Sample sample, String transcript) {
        assertThat(sample).isInstanceOfSatisfying(Sample.TranscribedSpeech.class, s -> {
            assertThat(s.transcript()).isEqualTo(transcript);
            assertThat(s.audio()).isEqualTo(clip);
        });
    }

    private static void assertRejected(Sample sample, String reason) {
        assertThat(sample)
                .isInstanceOfSatisfying(
                        Sample.Rejected.class, s -> assertThat(s.reason()).contains(reason));
    }

    @Test
    void mediaFolder() throws IOException {
        write("a/latin.png", image);
        write("a/latin.txt", new byte[] {'c', (byte) 0xe9});
        var samples = samples("media", "");
        assertThat(samples).hasSize(4);
        assertClip(samples.get(0), "Activated.");
        assertFox(samples.get(1), "a fox");
        assertRejected(samples.get(2), "not UTF-8");
        assertFox(samples.get(3), "");
    }

    @Test
    void jsonLines() throws IOException {
        write("all.jsonl", """
                {"id": "one", "image": "a/fox.png", "caption": "a fox"}

                {"audio": "a/clip.flac", "text": "Activated."}
                {"text": "only words"}
                {"image": "missing.png", "caption": "?"}
                {"image": "https://example.org/x.png", "caption": "?"}
                {"caption":
                [1]
                {}
                """);
        var samples = samples("jsonl", "all.jsonl");
        assertThat(samples).hasSize(8);
        assertFox(samples.get(0), "a fox");
        assertThat(samples.get(0).id()).isEqualTo("one");
        assertClip(samples.get(1), "Activated.");
        assertThat(samples.get(2))
                .isInstanceOfSatisfying(
                        Sample.Text.class, s -> assertThat(s.text()).isEqualTo("only words"));
        assertRejected(samples.get(3), "missing.png: no such file");
        assertRejected(samples.get(4), "not a local file");
        assertRejected(samples.get(5), "does not parse");
        assertThat(samples.get(5).id()).endsWith("all.jsonl:7");
        assertRejected(samples.get(6), "not a JSON object");
        assertRejected(samples.get(7), "neither media nor text");
    }

    @Test
    void tables() throws IOException {
        write("all.csv", "Image,Caption\na/fox.png,\"a fox,\nred\"\na/clip.flac,Activated.\nx.png\n");
        var rows = samples("csv", "all.csv");
        assertThat(rows).hasSize(3);
        assertFox(rows.get(0), "a fox,\nred");
        assertRejected(rows.get(2), "1 cells under 2 columns");
        write("cc12m.tsv", "a/fox.png\ta \"fox\nalone.png\tanother\n");
        var pairs = samples("tsv", "cc12m.tsv");
        assertThat(pairs).hasSize(2);
        assertFox(pairs.get(0), "a \"fox");
        write("odd.csv", "x,y,z\n1,2,3\n");
        assertRejected(samples("csv", "odd.csv").getFirst(), "names no known column");
    }

    @Test
    void aQuoteLeftOpenDoesNotFillTheMemory() throws IOException {
        write("open.csv", "image,caption\na/fox.png,\"" + "x".repeat(17 << 20));
        assertThatThrownBy(() -> samples("csv", "open.csv"))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("is a quote left open?");
    }

    @Test
    void librispeech() throws IOException {
        write("84/121123/84-121123-0000.flac", clip);
        write("84/121123/84-121123.trans.txt", "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT\n\n../x y\n");
        var samples = samples("librispeech", "");
        assertThat(samples).hasSize(3);
        assertClip(samples.get(0), "GO DO YOU HEAR");
        assertThat(((Sample.TranscribedSpeech) samples.get(0)).group()).isEqualTo("84-121123");
        assertRejected(samples.get(1), "no such file");
        assertRejected(samples.get(2), "no utterance");
    }

    @Test
    void textFolderAndPages() throws IOException {
        write("b/one.md", "# One\n\ntext");
        write("b/two.txt", "two");
        assertThat(samples("text", "b")).extracting(Sample::id).containsExactly("one.md", "two.txt");
        var pages = samples("pages", "b/one.md");
        assertThat(pages).extracting(s -> ((Sample.Text) s).text()).containsExactly("# One", "text");
    }

    @Test
    void tablesOfMixedEncodingsLoseTheRowsThatAreNotUtf8() throws IOException {
        var rows = new ByteArrayOutputStream();
        rows.writeBytes("\ufeffimage,caption\na/fox.png,grün\na/fox.png,gr".getBytes(StandardCharsets.UTF_8));
        rows.write(0xfc);
        rows.writeBytes("n\na/fox.png,\"狐, 🦊\"\n".getBytes(StandardCharsets.UTF_8));
        write("mixed.csv", rows.toByteArray());
        var samples = samples("csv", "mixed.csv");
        assertThat(samples).hasSize(3);
        assertFox(samples.get(0), "grün");
        assertRejected(samples.get(1), "not UTF-8");
        assertFox(samples.get(2), "狐, 🦊");
    }

    /** The layouts of audio manifests: NeMo's JSON lines, Common Voice's table. */
    @Test
    void audioManifests() throws IOException {
        write("nemo.jsonl", "{\"audio_filepath\": \"a/clip.flac\", \"duration\": 1.2, \"text\": \"Activated.\"}\n");
        assertClip(samples("jsonl", "nemo.jsonl").getFirst(), "Activated.");
        write(
                "validated.tsv",
                "client_id\tpath\tsentence\tup_votes\n7\ta/clip.flac\tActivated.\t2\n7\ta/none.flac\tGone.\t2\n");
        var rows = samples("tsv", "validated.tsv");
        assertClip(rows.get(0), "Activated.");
        assertRejected(rows.get(1), "none.flac: no such file");
    }

    private void parquet(String name) throws IOException {
        try (var in = SourceSpecTest.class.getResourceAsStream("/org/mixtureofmamba/data/parquet/" + name)) {
            write(name, in.readAllBytes());
        }
    }

    /** Files that pyarrow wrote, as scripts/make_parquet_samples.py says: snappy, zstd and plain. */
    @Test
    void parquetTablesWithMediaInside() throws IOException {
        parquet("image-text.parquet");
        var samples = samples("parquet", "image-text.parquet");
        assertThat(samples).hasSize(4);
        assertFox(samples.get(0), "a fox");
        assertRejected(samples.get(1), "missing.png: no such file");
        assertThat(samples.get(2))
                .isInstanceOfSatisfying(
                        Sample.Text.class, s -> assertThat(s.text()).isEqualTo("only words"));
        assertThat(samples.get(3))
                .isInstanceOfSatisfying(
                        Sample.CaptionedImage.class, s -> assertThat(s.image()).isEmpty());
        parquet("audio.parquet");
        var clips = samples("parquet", "audio.parquet");
        assertClip(clips.get(0), "Activated.");
        assertThat(clips.get(0).id()).isEqualTo("c1");
        assertRejected(clips.get(1), "neither media nor text");
    }

    @Test
    void parquetTablesOfInterleavedDocuments() throws IOException {
        parquet("interleaved.parquet");
        var samples = samples("parquet", "interleaved.parquet");
        assertThat(samples).hasSize(4);
        assertThat(samples.get(0)).isInstanceOfSatisfying(Sample.Interleaved.class, s -> {
            assertThat(s.items()).hasSize(4);
            assertThat(s.items().get(0)).isEqualTo(new Sample.Item.Text("one"));
            assertThat(s.items().get(1))
                    .isInstanceOfSatisfying(
                            Sample.Item.Image.class, i -> assertThat(i.image()).isEqualTo(image));
            assertThat(s.items().get(2)).isEqualTo(new Sample.Item.Text("two"));
        });
        assertThat(samples.get(1))
                .isInstanceOfSatisfying(
                        Sample.Interleaved.class, s -> assertThat(s.items()).hasSize(1));
        assertRejected(samples.get(2), "missing.png: no such file");
        assertRejected(samples.get(3), "1 images beside 2 texts");
        parquet("obelics.parquet");
        var pages = samples("parquet", "obelics.parquet");
        assertThat(pages.get(0))
                .isInstanceOfSatisfying(
                        Sample.Interleaved.class, s -> assertThat(s.items()).hasSize(2));
        assertRejected(pages.get(1), "not a local file");
    }

    @Test
    void aBrokenParquetFileFails() throws IOException {
        parquet("image-text.parquet");
        var whole = Files.readAllBytes(directory.resolve("image-text.parquet"));
        write("cut.parquet", Arrays.copyOf(whole, whole.length / 2));
        assertThatThrownBy(() -> samples("parquet", "cut.parquet"))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("cut.parquet does not read as Parquet");
    }

    private static byte[] tar(String... entries) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var tar = new TarArchiveOutputStream(bytes)) {
            for (int i = 0; i < entries.length; i += 2) {
                var content = entries[i + 1].getBytes(StandardCharsets.UTF_8);
                var entry = new TarArchiveEntry(entries[i], true);
                entry.setSize(content.length);
                tar.putArchiveEntry(entry);
                tar.write(content);
                tar.closeArchiveEntry();
            }
            var link = new TarArchiveEntry("./usr/link.txt", TarConstants.LF_SYMLINK);
            link.setLinkName("/etc/passwd");
            tar.putArchiveEntry(link);
            tar.closeArchiveEntry();
        }
        return bytes.toByteArray();
    }

    private static byte[] packed(byte[] bytes, boolean xz) throws IOException {
        return packed(bytes, xz ? "xz" : "gz");
    }

    private static byte[] packed(byte[] bytes, String how) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var packer = switch (how) {
            case "gz" -> new GZIPOutputStream(out);
            case "xz" -> new XZCompressorOutputStream(out);
            default -> new ZstdOutputStream(out);
        }) {
            packer.write(bytes);
        }
        return out.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gz", "xz", "zst"})
    void packedFilesAreReadAsTheirContent(String how) throws IOException {
        var pages = "one\n\ntwo\n\n".getBytes(StandardCharsets.UTF_8);
        var both = new ByteArrayOutputStream();
        both.writeBytes(packed(pages, how));
        both.writeBytes(packed(
                "three\n".getBytes(StandardCharsets.UTF_8),
                how)); // one packed stream after another is their content in turn
        write("p/pages.txt." + how, both.toByteArray());
        assertThat(samples("pages", "p/pages.txt." + how))
                .extracting(sample -> ((Sample.Text) sample).text())
                .containsExactly("one", "two", "three");
        write("p/lines.jsonl." + how, packed("{\"text\": \"a fox\"}\n".getBytes(StandardCharsets.UTF_8), how));
        assertThat(samples("jsonl", "p/lines.jsonl." + how))
                .extracting(sample -> ((Sample.Text) sample).text())
                .containsExactly("a fox");
        var noise = new byte[100_000];
        new java.util.Random(3).nextBytes(noise);
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (byte) ('a' + (noise[i] & 15));
        }
        var whole = packed(noise, how);
        for (int percent : new int[] {0, 1, 50, 99}) {
            write("p/cut.txt." + how, Arrays.copyOf(whole, whole.length * percent / 100));
            assertThatThrownBy(() -> samples("pages", "p/cut.txt." + how))
                    .as("%d %%", percent)
                    .isInstanceOfAny(UserException.class, FailureException.class)
                    .hasMessageContaining("cut.txt");
        }
    }

    private void debianPackage(String name, String member, byte[] data) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var ar = new ArArchiveOutputStream(bytes)) {
            for (var part : List.of(
                    Map.entry("debian-binary", "2.0\n".getBytes(StandardCharsets.UTF_8)), Map.entry(member, data))) {
                ar.putArchiveEntry(new ArArchiveEntry(part.getKey(), part.getValue().length));
                ar.write(part.getValue());
                ar.closeArchiveEntry();
            }
        }
        write(name, bytes.toByteArray());
    }

    @Test
    void archivesAreReadAsTheDirectoryTheyUnpackTo() throws IOException {
        write(
                "pages.tgz",
                packed(tar("package/a.txt", "one", "package/../../out.txt", "x", "/etc/abs.txt", "y"), false));
        debianPackage("pages_1.0_all.deb", "data.tar.xz", packed(tar("./usr/share/doc/b.txt", "two"), true));
        var samples = new ArrayList<Sample>();
        for (var archive : List.of("pages.tgz", "pages_*.deb")) {
            samples.addAll(samples("text", archive));
        }
        assertThat(samples)
                .filteredOn(Sample.Text.class::isInstance)
                .extracting(Sample::id)
                .containsExactly("package/a.txt", "usr/share/doc/b.txt");
        assertThat(samples)
                .filteredOn(Sample.Rejected.class::isInstance)
                .extracting(Sample::id)
                .containsExactly("package/../../out.txt", "/etc/abs.txt", "./usr/link.txt", "./usr/link.txt");
        assertThat(directory.resolve("out.txt")).doesNotExist();
        assertThatThrownBy(() -> samples("text", "a/fox.png")).hasMessageContaining("no directory and no archive");
        debianPackage("empty.deb", "control.tar.xz", packed(tar(), true));
        assertThatThrownBy(() -> samples("text", "empty.deb"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no data.tar");
        write("cut.tgz", Arrays.copyOf(packed(tar("a.txt", "x".repeat(10_000)), false), 60));
        assertThatThrownBy(() -> samples("text", "cut.tgz"))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("cut.tgz");
    }

    @Test
    void dictionariesOfDictd() throws IOException {
        var entries = List.of(
                "00-database-info\n  about\n",
                "fox\n  an animal\n",
                "grün\n  a colour\n",
                "zoo\n  " + "x".repeat(1200) + "\n");
        var index = new StringBuilder();
        var text = new ByteArrayOutputStream();
        for (var entry : entries) {
            var bytes = entry.getBytes(StandardCharsets.UTF_8);
            index.append("%s\t%s\t%s\n"
                    .formatted(entry.lines().findFirst().orElseThrow(), base64(text.size()), base64(bytes.length)));
            text.writeBytes(bytes);
        }
        write("d/wn.index", index + "alias of fox\t" + base64(entries.getFirst().length()) + "\tQ\n");
        write("d/wn.dict.dz", packed(text.toByteArray(), false));
        var samples = samples("dictd", "d");
        assertThat(samples).hasSize(1);
        assertThat(((Sample.Text) samples.getFirst()).text())
                .startsWith("fox\n  an animal\ngrün\n  a colour\nzoo")
                .doesNotContain("about");
    }

    private static String base64(int number) {
        var digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        return number < 64 ? digits.substring(number, number + 1) : base64(number / 64) + digits.charAt(number % 64);
    }

    @Test
    void patterns() throws IOException {
        assertThat(FilePatterns.braces("s-{008..010}.{tar,tgz}"))
                .containsExactly("s-008.tar", "s-008.tgz", "s-009.tar", "s-009.tgz", "s-010.tar", "s-010.tgz");
        write("p/1.txt", "x");
        write("p/q/2.txt", "y");
        write("p/q/3.txt", "z");
        assertThat(FilePatterns.files(directory + "/p/**.txt")).hasSize(3);
        assertThat(FilePatterns.files(directory + "/p/q/{2..3}.txt")).hasSize(2);
        assertThat(FilePatterns.files(directory + "/p/*.txt")).hasSize(1);
        assertThatThrownBy(() -> FilePatterns.files(directory + "/p/*.tar")).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> FilePatterns.files(directory + "/p/{5..6}.txt"))
                .hasMessageContaining("5.txt: no such file");
        assertThatThrownBy(() -> FilePatterns.braces("{0..999999999}")).isInstanceOf(UserException.class);
    }

    @Test
    void badSpecifications() {
        assertThatThrownBy(() -> SourceSpec.parse("nonsense", Setting.CHAMELEON))
                .hasMessageContaining("names no source");
        assertThatThrownBy(() -> SourceSpec.parse("ogg:x", Setting.CHAMELEON))
                .hasMessageContaining("no kind of source");
        assertThatThrownBy(() -> SourceSpec.parse("text:/no/such", Setting.CHAMELEON))
                .hasMessageContaining("is no directory");
        assertThat(SourceSpec.parse("demo", Setting.CHAMELEON))
                .extracting(Source::name)
                .containsExactly("text", "images");
    }

    @Test
    void aRowWithAnImageAndARecordingIsOneSampleOfBoth() throws IOException {
        write("both.csv", "image,audio,text\na/fox.png,a/clip.flac,a fox\n");
        assertThat(samples("csv", "both.csv")).singleElement().isInstanceOfSatisfying(Sample.Interleaved.class, s -> {
            assertThat(s.items()).hasSize(3);
            assertThat(s.items().get(0)).isEqualTo(new Sample.Item.Text("a fox"));
            assertThat(s.items().get(1)).isInstanceOf(Sample.Item.Image.class);
            assertThat(s.items().get(2)).isInstanceOf(Sample.Item.Speech.class);
        });
    }
}
