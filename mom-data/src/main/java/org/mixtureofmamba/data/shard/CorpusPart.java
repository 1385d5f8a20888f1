package org.mixtureofmamba.data.shard;

import java.util.List;

/**
 * The documents that came from one source.
 *
 * @param name of the source
 * @param shards that hold them
 * @param train what is trained on
 * @param heldOut what is only evaluated on
 */
public record CorpusPart(String name, List<TokenShard> shards, DocumentSet train, DocumentSet heldOut) {
    CorpusPart(String name, List<TokenShard> shards) {
        this(name, List.copyOf(shards), new DocumentSet(shards, false), new DocumentSet(shards, true));
    }
}
