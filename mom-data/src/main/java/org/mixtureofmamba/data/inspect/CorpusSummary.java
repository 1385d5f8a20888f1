package org.mixtureofmamba.data.inspect;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.shard.CorpusPart;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.data.shard.TokenCorpus;

/**
 * Counts over a corpus.
 *
 * @param setting key of its setting
 * @param vocabulary V
 * @param fingerprint of its content
 * @param skippedShards why each damaged shard was left out
 */
public record CorpusSummary(
        String setting, int vocabulary, String fingerprint, List<PartSummary> parts, List<String> skippedShards) {
    /**
     * Counts over one part.
     *
     * @param samples read for it
     * @param skipped of them that gave no document
     */
    public record PartSummary(
            String name, String source, int shards, long samples, long skipped, SetSummary train, SetSummary heldOut) {}

    /**
     * Counts over the training or the held-out documents of a part.
     *
     * @param tokens by {@link Modality#key()}, in the order of the modalities; control tokens are text
     * @param lengths how many documents are how long
     */
    public record SetSummary(long documents, Map<String, Long> tokens, List<LengthBucket> lengths) {}

    /** {@code documents} have from {@code from} to {@code to} tokens; buckets double in width. */
    public record LengthBucket(int from, int to, long documents) {}

    /** Counts a corpus; reads its indexes, not its tokens. */
    public static CorpusSummary of(TokenCorpus corpus) {
        var entries = corpus.manifest().parts();
        var parts = new ArrayList<PartSummary>();
        for (int i = 0; i < entries.size(); i++) {
            CorpusPart part = corpus.parts().get(i);
            var entry = entries.get(i);
            parts.add(new PartSummary(
                    part.name(),
                    entry.source(),
                    part.shards().size(),
                    entry.samples(),
                    entry.skipped(),
                    summary(part.train()),
                    summary(part.heldOut())));
        }
        return new CorpusSummary(
                corpus.setting().key(),
                corpus.vocabulary().size(),
                corpus.fingerprint(),
                parts,
                corpus.skippedShards());
    }

    private static SetSummary summary(DocumentSet set) {
        var buckets = new long[Integer.SIZE];
        int highest = -1;
        for (long d = 0; d < set.size(); d++) {
            int bucket = Integer.SIZE - Integer.numberOfLeadingZeros(set.length(d));
            buckets[bucket]++;
            highest = Math.max(highest, bucket);
        }
        var lengths = new ArrayList<LengthBucket>();
        for (int bucket = 0; bucket <= highest; bucket++) {
            if (buckets[bucket] > 0) {
                lengths.add(new LengthBucket(
                        bucket == 0 ? 0 : 1 << bucket - 1, (int) ((1L << bucket) - 1), buckets[bucket]));
            }
        }
        var tokens = new LinkedHashMap<String, Long>();
        for (var modality : Modality.values()) {
            tokens.put(modality.key(), set.tokens(modality));
        }
        return new SetSummary(set.size(), tokens, lengths);
    }
}
