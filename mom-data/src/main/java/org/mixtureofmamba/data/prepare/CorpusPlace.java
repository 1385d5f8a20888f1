package org.mixtureofmamba.data.prepare;

import java.nio.file.Path;

import org.mixtureofmamba.data.store.S3Store;
import org.mixtureofmamba.data.store.StorePlaces;

/**
 * Where a corpus is to be.
 *
 * @param name a directory, or {@code s3://BUCKET/PREFIX}
 * @param directory in which it is made: the place itself, or a local one from which finished files go to the bucket
 */
public record CorpusPlace(String name, Path directory) {
    /** @param cache directory in which the one for a bucket is made */
    public static CorpusPlace of(String name, Path cache) {
        return new CorpusPlace(name, StorePlaces.working(name, cache));
    }

    /** Whether the shards go to a bucket and do not stay in {@link #directory}. */
    public boolean isStored() {
        return S3Store.isPlace(name);
    }
}
