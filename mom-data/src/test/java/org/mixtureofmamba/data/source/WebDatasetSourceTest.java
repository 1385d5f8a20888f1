package org.mixtureofmamba.data.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class WebDatasetSourceTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes);

    private void add(String name, String content) throws IOException {
        var data = content.getBytes(StandardCharsets.ISO_8859_1);
        var entry = new TarArchiveEntry(name, true);
        entry.setSize(data.length);
        tar.putArchiveEntry(entry);
        tar.write(data);
        tar.closeArchiveEntry();
    }

    private List<Sample> samples() throws IOException {
        tar.close();
        return samplesOf(bytes.toByteArray());
    }

    private static List<Sample> samplesOf(byte[] archive) {
        var source = new WebDatasetSource(
                "w", List.of(new Bytes("w.tar", archive.length, _ -> new ByteArrayInputStream(archive))));
        var samples = new ArrayList<Sample>();
        try (var reader = source.open()) {
            reader.forEachRemaining(samples::add);
        }
        return samples;
    }

    @Test
    void groupsEntriesByName() throws IOException {
        add("a/1.png", "P1");
        add("a/1.txt", "one ");
        add("a/2.json", "{\"caption\": \"two\", \"group\": \"g\"}");
        add("a/2.jpg", "P2");
        add("3.flac", "F");
        add("3.txt", "three");
        add("4.txt", "four");
        add("5.png", "P5");
        var samples = samples();
        assertThat(samples).hasSize(5);
        assertThat(samples.get(0)).isInstanceOfSatisfying(Sample.CaptionedImage.class, s -> {
            assertThat(s.id()).isEqualTo("a/1");
            assertThat(s.caption()).isEqualTo("one");
            assertThat(s.image()).containsExactly('P', '1');
        });
        assertThat(samples.get(1)).isInstanceOfSatisfying(Sample.CaptionedImage.class, s -> {
            assertThat(s.caption()).isEqualTo("two");
            assertThat(s.group()).isEqualTo("g");
        });
        assertThat(samples.get(2))
                .isInstanceOfSatisfying(
                        Sample.TranscribedSpeech.class,
                        s -> assertThat(s.transcript()).isEqualTo("three"));
        assertThat(samples.get(3)).isEqualTo(new Sample.Text("4", "four"));
        assertThat(samples.get(4))
                .isInstanceOfSatisfying(
                        Sample.CaptionedImage.class,
                        s -> assertThat(s.caption()).isEmpty());
    }

    @Test
    void hostileEntriesAreRejectedWithAReason() throws IOException {
        add("../escape.png", "x");
        add("/etc/passwd.txt", "x");
        var link = new TarArchiveEntry("link.png", TarConstants.LF_SYMLINK);
        link.setLinkName("/etc/passwd");
        tar.putArchiveEntry(link);
        tar.closeArchiveEntry();
        add("latin.txt", "caf\u00e9");
        add("bad.json", "{\"caption\": ");
        add("twice.txt", "x");
        add("twice.txt", "y");
        add("long.txt", "x".repeat((1 << 20) + 1));
        add("../../twice-up.txt", "x");
        add("a/a/good.txt", "x");
        var samples = samples();
        var rejected = samples.stream()
                .filter(Sample.Rejected.class::isInstance)
                .map(s -> s.id() + ": " + ((Sample.Rejected) s).reason())
                .toList();
        assertThat(rejected)
                .anyMatch(s -> s.startsWith("../escape.png") && s.contains("out of the archive"))
                .anyMatch(s -> s.startsWith("/etc/passwd.txt") && s.contains("out of the archive"))
                .anyMatch(s -> s.startsWith("link.png") && s.contains("no plain file"))
                .anyMatch(s -> s.startsWith("latin") && s.contains("not UTF-8"))
                .anyMatch(s -> s.startsWith("bad") && s.contains("JSON"))
                .anyMatch(s -> s.startsWith("twice.txt") && s.contains("second entry"))
                .anyMatch(s -> s.startsWith("long.txt") && s.contains("more than"))
                .anyMatch(s -> s.startsWith("../../twice-up.txt") && s.contains("out of the archive"))
                .hasSize(8);
        assertThat(samples)
                .contains(new Sample.Text("a/a/good", "x"), new Sample.Text("twice", "x"))
                .hasSize(10);
    }

    /** The text of a gigabyte is passed over where it is, not held. */
    @Test
    void aCaptionOfAGigabyteIsRejectedUnread() throws IOException {
        add("1.txt", "one");
        tar.flush();
        var before = bytes.toByteArray();
        var giant = new TarArchiveEntry("2.txt", true);
        giant.setSize(1L << 30);
        var header = new byte[512];
        giant.writeEntryHeader(header);
        var after = new ByteArrayOutputStream();
        try (var rest = new TarArchiveOutputStream(after)) {
            var entry = new TarArchiveEntry("3.txt", true);
            entry.setSize(5);
            rest.putArchiveEntry(entry);
            rest.write("three".getBytes(StandardCharsets.UTF_8));
            rest.closeArchiveEntry();
        }
        var archive = new Bytes(
                "w.tar",
                1L << 30,
                _ -> new SequenceInputStream(Collections.enumeration(List.of(
                        new ByteArrayInputStream(before),
                        new ByteArrayInputStream(header),
                        new BoundedZeros(1L << 30),
                        new ByteArrayInputStream(after.toByteArray())))));
        var samples = new ArrayList<Sample>();
        try (var reader = new WebDatasetSource("w", List.of(archive)).open()) {
            reader.forEachRemaining(samples::add);
        }
        assertThat(samples)
                .contains(new Sample.Text("1", "one"), new Sample.Text("3", "three"))
                .hasSize(3);
        assertThat(samples)
                .filteredOn(Sample.Rejected.class::isInstance)
                .singleElement()
                .satisfies(s -> assertThat(((Sample.Rejected) s).reason()).contains("1073741824 bytes, more than"));
    }

    /** So many zeros, without memory. */
    private static final class BoundedZeros extends InputStream {
        private long left;

        BoundedZeros(long length) {
            this.left = length;
        }

        @Override
        public int read() {
            return left-- > 0 ? 0 : -1;
        }

        @Override
        public int read(byte[] buffer, int offset, int count) {
            int given = (int) Math.min(count, left);
            left -= given;
            return given == 0 && count > 0 ? -1 : given;
        }
    }

    @Test
    void aLineLargerThanTheBoundIsRejectedAndTheNextOneRead() {
        var file = new Bytes(
                "m.jsonl",
                0,
                _ -> new SequenceInputStream(
                        new BoundedZeros(40 << 20),
                        new ByteArrayInputStream("\n{\"text\": \"words\"}\n".getBytes(StandardCharsets.UTF_8))));
        var samples = new ArrayList<Sample>();
        try (var reader = new JsonLinesSource("m", List.of(file)).open()) {
            reader.forEachRemaining(samples::add);
        }
        assertThat(samples).hasSize(2);
        assertThat(((Sample.Rejected) samples.get(0)).reason()).contains("a line of 41943040 bytes");
        assertThat(samples.get(1)).isEqualTo(new Sample.Text("m.jsonl:2", "words"));
    }

    @Test
    void emptyArchivesHoldNoSamples() throws IOException {
        assertThat(samples()).isEmpty();
        assertThat(samplesOf(new byte[0])).isEmpty();
    }

    @Test
    void anArchiveThatBreaksOffFails() throws IOException {
        add("1.txt", "one");
        add("2.txt", "x".repeat(5000));
        tar.close();
        var cut = Arrays.copyOf(bytes.toByteArray(), 2500);
        assertThatThrownBy(() -> samplesOf(cut))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("w.tar");
    }

    @Test
    void aMissingArchiveIsTheUsersToMend() {
        assertThatThrownBy(() -> Bytes.ofFile(Path.of("no-such.tar")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no-such.tar: no such file");
    }

    @Test
    void theDemoCorpusIsWhole() {
        assertThat(count(DemoCorpus.text(), Sample.Text.class)).isEqualTo(4685);
        assertThat(count(DemoCorpus.images(), Sample.CaptionedImage.class)).isEqualTo(4495);
        assertThat(count(DemoCorpus.speech(), Sample.TranscribedSpeech.class)).isEqualTo(1534);
    }

    private static long count(Source source, Class<? extends Sample> kind) {
        long count = 0;
        try (var reader = source.open()) {
            while (reader.hasNext()) {
                assertThat(reader.next()).isInstanceOf(kind);
                count++;
            }
        }
        return count;
    }

    /** A sample with an image and a recording is one document of both: neither is lost. */
    @Test
    void anImageAndARecordingMakeOneInterleavedSample() throws IOException {
        add("a/1.png", "image");
        add("a/1.txt", "the words");
        add("a/1.wav", "sound");
        add("a/2.WEBP", "picture");
        add("a/3.jpg", "left");
        add("a/3.png", "right");
        tar.close();
        var samples = samplesOf(bytes.toByteArray());
        assertThat(samples.get(0)).isInstanceOfSatisfying(Sample.Interleaved.class, sample -> {
            assertThat(sample.items())
                    .extracting(item -> item.getClass().getSimpleName())
                    .containsExactly("Text", "Image", "Speech");
            assertThat(sample.purpose()).isEqualTo(Modality.SPEECH);
        });
        assertThat(samples.get(1)).isInstanceOf(Sample.CaptionedImage.class);
        assertThat(samples.get(2))
                .isInstanceOfSatisfying(
                        Sample.Interleaved.class,
                        sample -> assertThat(sample.items()).hasSize(2));
        assertThat(samples).hasSize(3);
    }
}
