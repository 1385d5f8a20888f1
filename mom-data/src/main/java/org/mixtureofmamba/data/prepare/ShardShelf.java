package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Where the shards of a corpus stay once they are written: in the directory they are written to, or elsewhere. */
public interface ShardShelf {
    /** Shards stay in the directory. */
    ShardShelf HERE = new WrittenShards();

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
}
