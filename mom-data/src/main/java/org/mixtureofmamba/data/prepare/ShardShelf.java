package org.mixtureofmamba.data.prepare;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.shard.ShardHeader;
import org.mixtureofmamba.data.shard.TokenShard;
import org.mixtureofmamba.data.store.LocalStore;
import org.mixtureofmamba.data.store.ObjectStore;
import org.mixtureofmamba.data.store.StoreCopy;

/** Where the shards of a corpus stay once they are written: in the directory they are written to, or elsewhere. */
interface ShardShelf {
    /** Shards stay in the directory. */
    ShardShelf HERE = new Here();

    /**
     * What a whole shard holds.
     *
     * @param skipped samples of it that gave no document
     */
    record Contents(long documents, long tokens, long skipped) {}

    /** What a shard of an earlier call holds, if it is whole; what is left of one that is damaged is removed. */
    Optional<Contents> find(Path shard) throws IOException;

    /**
     * Takes a shard that was written, and the file beside it that says which samples it lacks. Calls come one at a
     * time, in order.
     */
    void keep(Path shard) throws IOException;

    /** Shards that stay where they were written. */
    final class Here implements ShardShelf {
        @Override
        public Optional<Contents> find(Path file) throws IOException {
            if (!Files.exists(file)) {
                return Optional.empty();
            }
            try (var shard = TokenShard.open(file)) {
                return Optional.of(
                        new Contents(shard.documents(), shard.tokens(), new ShardAssembly.SkippedFile(file).count()));
            } catch (UserException e) {
                Files.delete(file);
                return Optional.empty();
            }
        }

        @Override
        public void keep(Path shard) {}
    }

    /**
     * Shards that go to a store as they are finished and leave the local disk again, which so holds no more than the
     * one being sent and the one being written. What the store holds is what counts: a call that was broken off goes on
     * from there, on any machine.
     */
    final class Stored implements ShardShelf {
        private final ObjectStore store;
        private final Path directory;
        private final ObjectStore local;
        private final Consumer<String> sent;

        /**
         * Shards of a corpus in a store that are written in a directory; that is emptied where it holds anything but
         * this corpus.
         *
         * @param sent hears the key of each file once it is in the store
         * @throws FailureException if the disk refuses
         */
        Stored(ObjectStore store, Path directory, Consumer<String> sent) {
            this.store = store;
            this.directory = directory;
            this.local = new LocalStore(directory);
            this.sent = sent;
            store.sweep();
            if (store.find(Preparation.PLAN).isEmpty() || !StoreCopy.isSame(store, local, Preparation.PLAN)) {
                empty(directory);
            }
            for (var key : List.of(Preparation.PLAN, Manifest.FILE)) {
                if (store.find(key).isPresent()) {
                    StoreCopy.copy(store, local, key);
                } else {
                    local.delete(key);
                }
            }
        }

        private static void empty(Path directory) {
            if (!Files.isDirectory(directory)) {
                return;
            }
            try (var files = Files.walk(directory)) {
                for (var file : files.sorted(Comparator.reverseOrder())
                        .filter(file -> !file.equals(directory))
                        .toList()) {
                    Files.delete(file);
                }
            } catch (IOException e) {
                throw new FailureException("cannot empty %s: %s; delete it".formatted(directory, e.getMessage()), e);
            }
        }

        /** Sends what a call needs that goes on elsewhere, and what reads the corpus: plan and tokenizers. */
        void begin() {
            send(Preparation.PLAN);
            local.list("tokenizers/").forEach(entry -> send(entry.key()));
        }

        /** Sends what says that the corpus is whole. */
        void end() {
            send(Manifest.FILE);
        }

        @Override
        public Optional<Contents> find(Path file) throws IOException {
            var whole = HERE.find(file);
            if (whole.isPresent()) {
                keep(file);
                return whole;
            }
            var key = key(file);
            var there = store.find(key);
            if (there.isEmpty()) {
                return Optional.empty();
            }
            long skipped = skipped(key(new ShardAssembly.SkippedFile(file).path()));
            try (var in = store.read(key, 0)) {
                return ShardHeader.read(in, there.get().length())
                        .map(header -> new Contents(header.documents(), header.tokens(), skipped));
            }
        }

        private long skipped(String key) throws IOException {
            if (store.find(key).isEmpty()) {
                return 0;
            }
            try (var lines = new BufferedReader(new InputStreamReader(store.read(key, 0), StandardCharsets.UTF_8))) {
                return lines.lines().count();
            }
        }

        /** The shard comes last: where it is, the other file is. */
        @Override
        public void keep(Path file) throws IOException {
            var skipped = new ShardAssembly.SkippedFile(file).path();
            if (Files.exists(skipped)) {
                send(key(skipped));
            }
            send(key(file));
            Files.deleteIfExists(skipped);
            Files.delete(file);
        }

        private void send(String key) {
            if (StoreCopy.copy(local, store, key)) {
                sent.accept(key);
            }
        }

        private String key(Path file) {
            return directory.relativize(file).toString().replace('\\', '/');
        }
    }
}
