package org.mixtureofmamba.data.prepare;

import java.io.Serial;
import java.io.Serializable;

/**
 * What decides where the shards of a source begin, counted in one of its pieces.
 *
 * @param texts characters of text of each sample
 * @param hashes the two halves of each sample's content hash, one after the other; empty where duplicates are not
 *     looked for. A sample that cannot be used is no duplicate, and has zeros
 */
public record PieceCount(int[] texts, long[] hashes) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;
}
