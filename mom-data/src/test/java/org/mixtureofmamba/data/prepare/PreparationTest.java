package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.GivenSource;
import org.mixtureofmamba.data.SampleSource;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.SmallTokenizers;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.Interleaver;
import org.mixtureofmamba.data.document.Segment;
import org.mixtureofmamba.data.shard.DamagedShards;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PreparationTest {
    private static final Augmentation AUGMENTATION = new Augmentation(true, List.of(0.9, 1.0));

    @TempDir
    Path directory;

    private static List<Source> sources() {
        return List.of(SampleSource.texts(500, 1), SampleSource.images(130, 2), SampleSource.clips(90, 3));
    }

    private static Preparation preparation(int threads) {
        var documents = SmallTokenizers.documents(Setting.THREE_MODALITY, 0.2, AUGMENTATION);
        return new Preparation(documents, "small", 60, false, threads);
    }

    @Test
    void threadsDoNotChangeABit() throws IOException {
        preparation(1).run(sources(), directory.resolve("one"), PrepareProgress.SILENT);
        preparation(4).run(sources(), directory.resolve("four"), PrepareProgress.SILENT);
        assertThat(contents("four")).isEqualTo(contents("one")).hasSizeGreaterThan(10);
    }

    @Test
    void progressCountsSamplesWhenTheirTokensAreMade() throws IOException {
        var source = SampleSource.texts(500, 1);
        var heard = new ArrayList<long[]>();
        var manifest = preparation(4)
                .run(
                        List.of(source),
                        directory.resolve("heard"),
                        (part, samples, skipped, tokens) -> heard.add(new long[] {samples, tokens}));
        var whole = manifest.parts().getFirst();
        assertThat(heard)
                .hasSizeGreaterThan(5)
                .allSatisfy(at -> assertThat(at[1] * whole.samples())
                        .isBetween(at[0] * whole.tokens() / 2, 2 * at[0] * whole.tokens()));
        assertThat(heard.getLast()).containsExactly(whole.samples(), whole.tokens());
    }

    @Test
    void takesUpWhereItBrokeOff() throws IOException {
        preparation(2).run(sources(), directory.resolve("unbroken"), PrepareProgress.SILENT);
        var expected = contents("unbroken");
        var random = new Random(5);
        for (int round = 0; round < 4; round++) {
            var name = "broken-" + round;
            int breaks = 0;
            while (true) {
                try {
                    int left = 100 + random.nextInt(500);
                    var breaking = sources().stream()
                            .map(s -> breaking(s, new int[] {left}))
                            .toList();
                    preparation(2).run(breaking, directory.resolve(name), PrepareProgress.SILENT);
                    break;
                } catch (FailureException e) {
                    breaks++;
                }
            }
            assertThat(contents(name)).as("after %d breaks", breaks).isEqualTo(expected);
        }
    }

    /**
     * As machines of a cluster would: pieces are counted, slices are made in any order, and only the pieces of a slice
     * are opened.
     */
    @Test
    void slicesMakeTheShardsOfTheWhole() throws IOException {
        var samples = new ArrayList<Sample>();
        for (int i = 0; i < 700; i++) {
            samples.add(new Sample.Text("t" + i, i % 9 == 0 ? "again and again" : i % 31 == 0 ? " " : "number " + i));
        }
        var opened = new ArrayList<Integer>();
        var source = new InPieces(samples, 90, opened);
        var preparation =
                new Preparation(SmallTokenizers.documents(Setting.CHAMELEON, 0.2, AUGMENTATION), "small", 25, true, 2);
        var expected = preparation.run(List.of(source), directory.resolve("whole"), PrepareProgress.SILENT);
        var out = directory.resolve("sliced");
        preparation.begin(List.of(source), out);
        var plan =
                new ShardPlan(source.pieces().stream().map(preparation::count).toList(), 25);
        assertThat(plan.samples()).isEqualTo(700);
        assertThat(plan.shards()).isEqualTo(28);
        var slices = plan.slices(5);
        assertThat(slices).extracting(ShardPlan.Slice::shards).containsExactly(5, 6, 5, 6, 6);
        for (var slice : slices.reversed()) {
            opened.clear();
            preparation.makeSlice(source, source.pieces(), slice, out);
            int last = Math.min(699, (slice.first() + slice.shards()) * 25);
            assertThat(opened).as("pieces of %s", slice).first().isEqualTo(slice.first() * 25 / 90);
            assertThat(opened).as("pieces of %s", slice).last().isEqualTo(last / 90);
        }
        opened.clear();
        var manifest = preparation.finish(List.of(source), List.of(plan), out, ShardShelf.HERE, PrepareProgress.SILENT);
        assertThat(opened).as("nothing is read again").isEmpty();
        assertThat(manifest).isEqualTo(expected);
        assertThat(contents("sliced")).isEqualTo(contents("whole"));
        Files.delete(out.resolve("corpus.json"));
        Files.delete(out.resolve("pieces-00003.tokens"));
        preparation.finish(List.of(source), List.of(plan), out, ShardShelf.HERE, PrepareProgress.SILENT);
        assertThat(contents("sliced")).isEqualTo(contents("whole"));
    }

    private record InPieces(List<Sample> samples, int size, List<Integer> opened) implements Source {
        @Override
        public String name() {
            return "pieces";
        }

        @Override
        public String description() {
            return "samples in pieces";
        }

        @Override
        public SampleReader open() {
            opened.add(-1);
            return new SampleSource(name(), samples).open();
        }

        @Override
        public List<Source> pieces() {
            return IntStream.rangeClosed(0, (samples.size() - 1) / size)
                    .<Source>mapToObj(piece -> new GivenSource(name(), description(), () -> {
                        opened.add(piece);
                        return new SampleSource(
                                        name(),
                                        samples.subList(piece * size, Math.min((piece + 1) * size, samples.size())))
                                .open();
                    }))
                    .toList();
        }
    }

    /** A process that is killed while it writes leaves the file beside its final name. */
    @Test
    void whatAKilledProcessWasWritingIsRemoved() throws Exception {
        preparation(2).run(sources(), directory.resolve("a"), PrepareProgress.SILENT);
        var expected = contents("a");
        var begun = new CountDownLatch(1);
        var held = new CountDownLatch(1);
        var writing = Thread.ofPlatform()
                .daemon()
                .start(() -> AtomicFiles.write(directory.resolve("w/text-00000.tokens"), out -> {
                    begun.countDown();
                    try {
                        held.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
        begun.await();
        try (var files = Files.list(directory.resolve("w"))) {
            var beside = files.toList().getFirst().getFileName().toString();
            held.countDown();
            writing.join();
            for (var place : List.of("a/" + beside, "a/tokenizers/" + beside)) {
                Files.createDirectories(directory.resolve(place).getParent());
                Files.writeString(directory.resolve(place), "half");
            }
        }
        preparation(2).run(sources(), directory.resolve("a"), PrepareProgress.SILENT);
        assertThat(contents("a")).isEqualTo(expected);
    }

    @Test
    void heldOutSamplesAreNotAugmentedAndStayTogether() {
        var random = new Random(9);
        var samples = new ArrayList<Sample>();
        for (int i = 0; i < 200; i++) {
            samples.add(new Sample.CaptionedImage("i" + i, "group-" + i / 2, SampleSource.png(random), "c"));
        }
        preparation(2).run(List.of(new SampleSource("images", samples)), directory, PrepareProgress.SILENT);
        try (var corpus = TokenCorpus.open(directory)) {
            var part = corpus.parts().getFirst();
            assertThat(part.heldOut().size()).isBetween(20L, 60L).isEven();
            assertThat(part.train().size()).isEqualTo(2 * (200 - part.heldOut().size()));
            for (long d = 0; d < part.heldOut().size(); d++) {
                assertThat(part.heldOut().id(d)).doesNotContain("~mirror");
            }
        }
    }

    @Test
    void badSamplesAreSkippedCountedAndExplained() throws IOException {
        var samples = List.<Sample>of(
                new Sample.Text("good", "abc"),
                new Sample.Text("blank", " "),
                new Sample.CaptionedImage("broken", "", new byte[] {1, 2, 3}, "x"),
                new Sample.Rejected("outside", "its path leads out of the archive"),
                new Sample.Text("again", "abc"));
        var documents = SmallTokenizers.documents(Setting.CHAMELEON, 0, Augmentation.NONE);
        var manifest = new Preparation(documents, "small", 60, true, 2)
                .run(List.of(new SampleSource("mixed", samples)), directory, PrepareProgress.SILENT);
        assertThat(manifest.parts().getFirst().samples()).isEqualTo(5);
        assertThat(manifest.parts().getFirst().skipped()).isEqualTo(4);
        assertThat(manifest.parts().getFirst().documents()).isEqualTo(1);
        assertThat(Files.readString(directory.resolve("skipped/mixed-00000.tokens.jsonl")))
                .contains("\"blank\"", "the text is empty", "no image", "out of the archive", "equals an earlier");
    }

    @Test
    void interleavedSamplesKeepTheirOrder() {
        var image = SampleSource.png(new Random(1));
        var page = new Sample.Interleaved(
                "page",
                "",
                List.of(
                        new Sample.Item.Text("one"),
                        new Sample.Item.Text(" two "),
                        new Sample.Item.Image(image),
                        new Sample.Item.Image(image),
                        new Sample.Item.Text("three")));
        preparation(1).run(List.of(new SampleSource("pages", List.of(page))), directory, PrepareProgress.SILENT);
        try (var corpus = TokenCorpus.open(directory)) {
            var segments = new Interleaver(corpus.vocabulary(), 7)
                    .segments(corpus.parts().getFirst().train().tokens(0));
            assertThat(segments)
                    .extracting(Segment::modality)
                    .containsExactly(Modality.TEXT, Modality.IMAGE, Modality.IMAGE, Modality.TEXT);
            assertThat(segments.getFirst().tokens()).hasSize("one\n\ntwo".length());
        }
    }

    /** A gigabyte of samples a shard would not fit into memory: texts end a shard before. */
    @Test
    void textsEndAShardBeforeTheyFillTheMemory() {
        var range = new ShardPlan.Range(1000);
        var reader = SampleSource.texts(3, 1).open();
        assertThat(range.hasMore(reader)).isTrue();
        range.count(ShardPlan.Range.text(new Sample.Text("large", "x".repeat((int) ShardPlan.Range.TEXT_LIMIT))));
        assertThat(range.hasMore(reader)).isFalse();
        range.nextShard();
        assertThat(range.hasMore(reader)).isTrue();
    }

    @Test
    void anotherPlanIsNotMixedIn() {
        preparation(1).run(sources(), directory, PrepareProgress.SILENT);
        var other = new Preparation(
                SmallTokenizers.documents(Setting.THREE_MODALITY, 0.1, AUGMENTATION), "small", 60, false, 1);
        assertThatThrownBy(() -> other.run(sources(), directory, PrepareProgress.SILENT))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("other sources or settings");
    }

    @Test
    void aFileIsNoPlaceForACorpus() throws IOException {
        var file = directory.resolve("file");
        Files.writeString(file, "a letter");
        assertThatThrownBy(() -> preparation(1).run(sources(), file, PrepareProgress.SILENT))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("is no directory");
        assertThat(file).hasContent("a letter");
    }

    @Test
    void aSourceWithoutDocumentsIsRefused() {
        var nothing = new SampleSource("nothing", List.of(new Sample.Text("blank", "")));
        assertThatThrownBy(() -> preparation(1).run(List.of(nothing), directory, PrepareProgress.SILENT))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no document came of");
        var empty = new SampleSource("empty", List.of());
        assertThatThrownBy(() -> preparation(1).run(List.of(empty), directory.resolve("empty"), PrepareProgress.SILENT))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("there is no sample in");
        assertThat(directory.resolve("corpus.json")).doesNotExist();
    }

    @Test
    void damageStopsOrIsSkippedAsAsked() throws IOException {
        preparation(1).run(sources(), directory, PrepareProgress.SILENT);
        String whole;
        try (var corpus = TokenCorpus.open(directory)) {
            whole = corpus.fingerprint();
        }
        var shard = directory.resolve("text-00001.tokens");
        var bytes = Files.readAllBytes(shard);
        bytes[bytes.length / 2] ^= 4;
        Files.write(shard, bytes);
        assertThatThrownBy(() -> TokenCorpus.open(directory))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("text-00001.tokens");
        try (var corpus = TokenCorpus.open(directory, DamagedShards.SKIP)) {
            assertThat(corpus.skippedShards()).hasSize(1);
            assertThat(corpus.fingerprint()).isNotEqualTo(whole);
        }
    }

    private Map<String, List<Byte>> contents(String name) throws IOException {
        var contents = new TreeMap<String, List<Byte>>();
        var root = directory.resolve(name);
        try (var files = Files.walk(root)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                var bytes = new ArrayList<Byte>();
                for (byte b : Files.readAllBytes(file)) {
                    bytes.add(b);
                }
                contents.put(root.relativize(file).toString(), bytes);
            }
        }
        return contents;
    }

    /** A source whose medium fails after so many samples. */
    private static Source breaking(Source source, int[] left) {
        return GivenSource.like(source, () -> {
            var reader = source.open();
            return new SampleReader() {
                @Override
                public boolean hasNext() {
                    return reader.hasNext();
                }

                @Override
                public Sample next() {
                    if (left[0]-- <= 0) {
                        throw new FailureException("the medium failed");
                    }
                    return reader.next();
                }

                @Override
                public void close() {
                    reader.close();
                }
            };
        });
    }
}
