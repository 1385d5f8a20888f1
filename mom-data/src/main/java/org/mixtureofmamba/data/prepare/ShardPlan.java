package org.mixtureofmamba.data.prepare;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.ContentHash;

/**
 * Where the shards of a source begin, found without tokenising, so that many machines can make them at once, each
 * reading only its own part. Takes a few bytes a sample, and about a hundred where duplicates are looked for.
 */
public final class ShardPlan {
    private final List<Start> starts = new ArrayList<>();
    private final BitSet duplicates = new BitSet();
    private int samples;

    private record Start(int piece, int skip, int sample) {}

    /**
     * @param pieces what {@link Preparation#count} gave for each piece of the source, in order
     * @throws UserException if there are more samples than one source may have
     */
    public ShardPlan(List<PieceCount> pieces, int samplesPerShard) {
        var range = new ShardRange(samplesPerShard);
        var seen = new HashSet<ContentHash>();
        for (int p = 0; p < pieces.size(); p++) {
            var texts = pieces.get(p).texts();
            var hashes = pieces.get(p).hashes();
            if (texts.length > Integer.MAX_VALUE - samples) {
                throw new UserException(
                        "a source of more than %d samples; divide it into several".formatted(Integer.MAX_VALUE));
            }
            for (int s = 0; s < texts.length; s++) {
                if (starts.isEmpty() || range.isFull()) {
                    starts.add(new Start(p, s, samples));
                    range.nextShard();
                }
                range.count(texts[s]);
                if (hashes.length > 0) {
                    var hash = new ContentHash(hashes[2 * s], hashes[2 * s + 1]);
                    duplicates.set(samples, !hash.equals(PartPreparation.NO_HASH) && !seen.add(hash));
                }
                samples++;
            }
        }
    }

    /** Samples of the source. */
    public long samples() {
        return samples;
    }

    public int shards() {
        return starts.size();
    }

    /** The shards in so many slices of about equal length, fewer where there are fewer shards. */
    public List<ShardSlice> slices(int count) {
        var slices = new ArrayList<ShardSlice>();
        int most = Math.min(count, shards());
        for (int i = 0; i < most; i++) {
            int first = (int) ((long) shards() * i / most);
            int end = (int) ((long) shards() * (i + 1) / most);
            var start = starts.get(first);
            int samplesEnd = end < shards() ? starts.get(end).sample() : samples;
            slices.add(new ShardSlice(
                    first, end - first, start.piece(), start.skip(), duplicates.get(start.sample(), samplesEnd)));
        }
        return slices;
    }
}
