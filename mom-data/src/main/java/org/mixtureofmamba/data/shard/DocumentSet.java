package org.mixtureofmamba.data.shard;

import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.core.modality.Modality;

/** The training or the held-out documents of one part of a corpus, numbered from 0 in the order they were prepared. */
public final class DocumentSet {
    private final List<TokenShard> shards;
    private final boolean heldOut;
    /** [shards + 1]: number of the first document of each shard. */
    private final long[] firstOf;
    /** For each shard, the places in it of this set's documents. */
    private final int[][] places;

    DocumentSet(List<TokenShard> shards, boolean heldOut) {
        this.shards = List.copyOf(shards);
        this.heldOut = heldOut;
        this.firstOf = new long[shards.size() + 1];
        this.places = new int[shards.size()][];
        for (int s = 0; s < places.length; s++) {
            var shard = shards.get(s);
            var inShard = new int[shard.documents()];
            int count = 0;
            for (int d = 0; d < inShard.length; d++) {
                if (shard.heldOut(d) == heldOut) {
                    inShard[count++] = d;
                }
            }
            places[s] = Arrays.copyOf(inShard, count);
            firstOf[s + 1] = firstOf[s] + count;
        }
    }

    /** Number of documents. */
    public long size() {
        return firstOf[places.length];
    }

    /** Tokens of all documents. */
    public long tokens() {
        return Arrays.stream(Modality.values()).mapToLong(this::tokens).sum();
    }

    /** Tokens of one modality; control tokens are text. */
    public long tokens(Modality modality) {
        return shards.stream()
                .mapToLong(shard -> shard.tokens(heldOut, modality))
                .sum();
    }

    public String id(long document) {
        int s = shardOf(document);
        return shards.get(s).id(place(s, document));
    }

    /** Number of tokens of a document. */
    public int length(long document) {
        int s = shardOf(document);
        return shards.get(s).length(place(s, document));
    }

    /** One id of a document. */
    public int token(long document, int position) {
        int s = shardOf(document);
        return shards.get(s).token(place(s, document), position);
    }

    /** Copies ids {@code from .. from + count} of a document to {@code target[at ..]}. */
    public void copy(long document, int from, int count, int[] target, int at) {
        int s = shardOf(document);
        shards.get(s).copy(place(s, document), from, count, target, at);
    }

    /** All ids of a document. */
    public int[] tokens(long document) {
        var ids = new int[length(document)];
        copy(document, 0, ids.length, ids, 0);
        return ids;
    }

    /** C, numbers of a latent; 0 where images are discrete or there are none. */
    public int latentWidth() {
        return shards.stream().mapToInt(TokenShard::latentWidth).max().orElse(0);
    }

    /** Copies latents of image tokens, counted among a document's image tokens; see {@link TokenShard#copyLatents}. */
    public void copyLatents(long document, int from, int count, float[] target, int at) {
        int s = shardOf(document);
        shards.get(s).copyLatents(place(s, document), from, count, target, at);
    }

    /** All latents of a document, [image tokens, C]. */
    public float[] latents(long document) {
        int s = shardOf(document);
        return shards.get(s).latents(place(s, document));
    }

    private int place(int shard, long document) {
        return places[shard][(int) (document - firstOf[shard])];
    }

    /** The shard whose first document is the last not after this one; shards without documents are passed over. */
    private int shardOf(long document) {
        int low = 0;
        int high = places.length - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (firstOf[middle + 1] <= document) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
