package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What every store does, whatever is under it. */
abstract class ObjectStoreContract {
    /** A store that is empty at the start of each test. */
    abstract ObjectStore store();

    static byte[] bytes(int length, long seed) {
        var bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    static byte[] read(ObjectStore store, String key, long from) {
        try (var in = store.read(key, from)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void givesBackWhatWasWritten() {
        var store = store();
        var content = bytes(100_000, 1);
        store.write("a/b.tokens", out -> out.write(content));
        store.write("a/empty", out -> {});
        assertThat(read(store, "a/b.tokens", 0)).isEqualTo(content);
        assertThat(read(store, "a/b.tokens", 99_990))
                .containsExactly(java.util.Arrays.copyOfRange(content, 99_990, 100_000));
        assertThat(read(store, "a/b.tokens", 100_000)).isEmpty();
        assertThat(read(store, "a/empty", 0)).isEmpty();
        assertThat(store.find("a/b.tokens")).contains(new ObjectStore.Entry("a/b.tokens", 100_000));
        assertThat(store.find("a/none")).isEmpty();
        assertThat(store.sha256("a/empty"))
                .isEqualTo("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    /** Larger than two parts of a multipart upload. */
    @Test
    void writesLargeFiles() {
        var store = store();
        var content = bytes(11 << 20, 2);
        store.write("large", out -> out.write(content));
        assertThat(read(store, "large", 0)).isEqualTo(content);
        assertThat(store.sha256("large")).hasSize(64);
    }

    @Test
    void listsByPrefixInOrder() {
        var store = store();
        for (var key : new String[] {"b/2", "b/10", "a", "b-1", "c/d/e"}) {
            store.write(key, out -> out.write(key.getBytes(StandardCharsets.UTF_8)));
        }
        assertThat(store.list(""))
                .extracting(ObjectStore.Entry::key)
                .containsExactly("a", "b-1", "b/10", "b/2", "c/d/e");
        assertThat(store.list("b/")).extracting(ObjectStore.Entry::key).containsExactly("b/10", "b/2");
        assertThat(store.list("none")).isEmpty();
    }

    @Test
    void replacesWholeOrNotAtAll() {
        var store = store();
        store.write("a", out -> out.write(1));
        store.write("a", out -> out.write(new byte[] {2, 3}));
        assertThat(read(store, "a", 0)).containsExactly(2, 3);
        assertThatThrownBy(() -> store.write("a", out -> {
                    out.write(new byte[7 << 20]);
                    throw new IOException("the program that writes fails");
                }))
                .hasMessageContaining("the program that writes fails");
        assertThat(read(store, "a", 0)).containsExactly(2, 3);
        assertThat(store.list("")).hasSize(1);
        store.delete("a");
        store.delete("a");
        assertThat(store.find("a")).isEmpty();
    }

    @Test
    void aMissingFileIsTheUsersToMend() {
        assertThatThrownBy(() -> read(store(), "none", 0))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("none");
    }

    @Test
    void noKeyLeadsOutOfTheStore() {
        for (var key : new String[] {"", "../a", "a/../../b", "/a", "a//b", "./a", "a\\b"}) {
            assertThatThrownBy(() -> store().write(key, out -> out.write(1)))
                    .as(key)
                    .isInstanceOf(UserException.class);
        }
    }
}
