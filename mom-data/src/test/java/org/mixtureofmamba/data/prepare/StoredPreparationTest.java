package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.SampleSource;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.SmallTokenizers;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.Source;
import org.mixtureofmamba.data.store.LocalStore;
import org.mixtureofmamba.data.store.ObjectStore;
import org.mixtureofmamba.data.store.S3Server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Shards go to a bucket as they are finished; broken off anywhere, what the bucket holds is whole and the next call
 * goes on.
 */
class StoredPreparationTest {
    @TempDir
    Path directory;

    private S3Server server;
    private ObjectStore store;

    @BeforeEach
    void start() throws Exception {
        server = new S3Server();
        store = server.open(S3Server.BUCKET + "/a/corpus");
    }

    @AfterEach
    void stop() throws Exception {
        store.close();
        server.close();
    }

    private static List<Source> sources() {
        var mixed = new SampleSource("mixed", List.of(new Sample.Text("blank", " "), new Sample.Text("good", "abc")));
        return List.of(SampleSource.texts(400, 1), mixed, SampleSource.images(130, 2));
    }

    private static Preparation preparation(double heldOut) {
        return new Preparation(
                SmallTokenizers.documents(Setting.CHAMELEON, heldOut, Augmentation.NONE), "small", 40, false, 2);
    }

    private void prepareTo(ObjectStore target, String working, List<Source> sources) {
        var out = directory.resolve(working);
        var shards = new ShardShelf.Stored(
                target, out, _ -> assertThat(shardsIn(out)).hasSizeLessThanOrEqualTo(2));
        preparation(0.2).begin(sources, out);
        shards.begin();
        preparation(0.2).run(sources, out, shards, PrepareProgress.SILENT);
        shards.end();
        assertThat(shardsIn(out)).isEmpty();
    }

    private Map<String, String> prepareLocally() {
        preparation(0.2).run(sources(), directory.resolve("local"), PrepareProgress.SILENT);
        return contents(new LocalStore(directory.resolve("local")));
    }

    @Test
    void theBucketHoldsWhatADirectoryWouldAndTheDiskDoesNot() {
        var expected = prepareLocally();
        assertThat(expected).hasSizeGreaterThan(15).containsKey("skipped/mixed-00000.tokens.jsonl");
        prepareTo(store, "working", sources());
        assertThat(contents(store)).isEqualTo(expected);
    }

    /**
     * Each call sends a few files and then the network is gone; every second goes on from another machine's empty
     * directory.
     */
    @Test
    void whatWasBrokenOffGoesOnFromTheBucket() {
        var expected = prepareLocally();
        var random = new Random(3);
        int calls = 0;
        for (boolean done = false; !done; calls++) {
            try {
                prepareTo(new Failing(store, 1 + random.nextInt(5)), "working-" + calls / 2, sources());
                done = true;
            } catch (FailureException e) {
                assertThat(e).hasMessageContaining("the network is gone");
            }
            assertThat(expected).containsAllEntriesOf(contents(store));
            assertThat(store.find("corpus.json").isPresent()).isEqualTo(done);
        }
        assertThat(calls).isGreaterThan(4);
        assertThat(contents(store)).isEqualTo(expected);
    }

    @Test
    void aWholeCorpusIsNotMadeAgain() {
        prepareTo(store, "first", sources());
        var sent = new Failing(store, 0);
        prepareTo(sent, "second", sources());
        assertThat(contents(store)).isEqualTo(prepareLocally());
    }

    @Test
    void anotherPlanIsNotMixedIn() {
        prepareTo(store, "first", sources());
        var out = directory.resolve("second");
        new ShardShelf.Stored(store, out, _ -> {});
        assertThatThrownBy(() -> preparation(0.5).begin(sources(), out))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("other sources or settings");
    }

    /** What another corpus left in the working directory must not get into this one. */
    @Test
    void staleShardsOfTheWorkingDirectoryAreNotSent() throws IOException {
        var out = directory.resolve("working");
        preparation(0.5).run(sources(), out, PrepareProgress.SILENT);
        prepareTo(store, "working", sources());
        assertThat(contents(store)).isEqualTo(prepareLocally());
    }

    private static List<Path> shardsIn(Path out) {
        try (var files = Files.list(out)) {
            return files.filter(file -> file.toString().endsWith(".tokens")).toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Map<String, String> contents(ObjectStore store) {
        var contents = new TreeMap<String, String>();
        store.list("").forEach(entry -> contents.put(entry.key(), store.sha256(entry.key())));
        return contents;
    }

    /** A store whose network goes after so many files, in the middle of the next. */
    private record Failing(ObjectStore store, int[] left) implements ObjectStore {
        Failing(ObjectStore store, int left) {
            this(store, new int[] {left});
        }

        @Override
        public void write(String key, AtomicFiles.Content content) {
            boolean fails = left[0]-- <= 0;
            store.write(key, out -> {
                content.writeTo(out);
                if (fails) {
                    throw new FailureException("the network is gone");
                }
            });
        }

        @Override
        public List<Entry> list(String prefix) {
            return store.list(prefix);
        }

        @Override
        public Optional<Entry> find(String key) {
            return store.find(key);
        }

        @Override
        public InputStream read(String key, long from) {
            return store.read(key, from);
        }

        @Override
        public String sha256(String key) {
            return store.sha256(key);
        }

        @Override
        public void delete(String key) {
            store.delete(key);
        }

        @Override
        public void sweep() {
            store.sweep();
        }

        @Override
        public String place(String key) {
            return store.place(key);
        }

        @Override
        public void close() {}
    }
}
