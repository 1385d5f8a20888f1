package org.mixtureofmamba.data.store;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.AtomicFiles;

/**
 * Files by key, in a local directory or in a bucket. A file appears under its key whole or not at all, and replaces the
 * former one in one moment. Keys are relative names with {@code /} between their parts. Safe for use by many threads.
 *
 * <p>All methods throw a {@link org.mixtureofmamba.core.UserException} where the user can mend it (a bucket that
 * refuses, a key that does not exist) and a {@link org.mixtureofmamba.core.FailureException} where the disk or the
 * network fails.
 */
public interface ObjectStore extends AutoCloseable {
    /** A stored file. */
    record Entry(String key, long length) {}

    /**
     * The store of a place: {@code s3://BUCKET[/PREFIX]}, with endpoint, region and credentials as the environment has
     * them (see {@link S3Settings#ofEnvironment}), or a directory.
     */
    static ObjectStore of(String place) {
        return S3Store.isPlace(place)
                ? S3Store.open(place, S3Settings.ofEnvironment())
                : new LocalStore(Path.of(place));
    }

    /** All files whose keys start with a prefix, in the order of their keys. */
    List<Entry> list(String prefix);

    /** The file of a key, if there is one. */
    Optional<Entry> find(String key);

    /**
     * The bytes of a file from an offset on. Where the connection breaks the stream goes on by itself; it fails where
     * that does not help, where the file is replaced while it is read, and at its end where the file, read from its
     * start, is not what was written.
     */
    InputStream read(String key, long from);

    /** SHA-256 of a file, in hex. */
    String sha256(String key);

    /** Stores a file; on any failure the former one, if there was one, is untouched. */
    void write(String key, AtomicFiles.Content content);

    /** Removes a file; nothing happens where there is none. */
    void delete(String key);

    /** Removes what writes that were broken off have left behind unseen. Nobody else may be writing meanwhile. */
    void sweep();

    /** Where a key is, for messages. */
    String place(String key);

    @Override
    void close();
}
