package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
            try (var reader = source.open()) {
                reader.forEachRemaining(samples::add);
            }
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
        assertThat(sample).isInstanceOfSatisfying(Sample.Rejected.class, s -> assertThat(s.reason()).contains(reason));
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
        assertThat(samples.get(2)).isInstanceOfSatisfying(Sample.Text.class, s -> assertThat(s.text()).isEqualTo("only words"));
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
        assertThatThrownBy(() -> FilePatterns.files(directory + "/p/{5..6}.txt")).hasMessageContaining("5.txt: no such file");
        assertThatThrownBy(() -> FilePatterns.braces("{0..999999999}")).isInstanceOf(UserException.class);
    }

    @Test
    void badSpecifications() {
        assertThatThrownBy(() -> SourceSpec.parse("nonsense", Setting.CHAMELEON)).hasMessageContaining("names no source");
        assertThatThrownBy(() -> SourceSpec.parse("ogg:x", Setting.CHAMELEON)).hasMessageContaining("no kind of source");
        assertThatThrownBy(() -> SourceSpec.parse("text:/no/such", Setting.CHAMELEON)).hasMessageContaining("is no directory");
        assertThat(SourceSpec.parse("demo", Setting.CHAMELEON)).extracting(Source::name).containsExactly("text", "images");
    }
}
