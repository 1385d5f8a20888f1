package org.mixtureofmamba.data.prepare;

import java.io.Serial;
import java.io.Serializable;
import java.util.BitSet;

/**
 * Shards of one source that follow one another, and where their samples stand.
 *
 * @param first number of the first shard
 * @param shards how many
 * @param piece of the source in which the first one begins
 * @param skip samples of that piece before it
 * @param duplicates which of the samples from there on came before in the source
 */
public record ShardSlice(int first, int shards, int piece, int skip, BitSet duplicates) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;
}
