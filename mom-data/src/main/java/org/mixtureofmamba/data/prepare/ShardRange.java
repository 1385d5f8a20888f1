package org.mixtureofmamba.data.prepare;

import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;

/**
 * The samples of one source that make up its shards, in turn. A shard ends after a number of samples, or once its
 * samples hold {@value #TEXT_LIMIT} characters of text, whichever comes first, so that a shard fits into memory
 * whatever the texts are. Where shards end depends on the samples alone.
 */
final class ShardRange {
    static final long TEXT_LIMIT = 64L << 20;

    private final int samplesPerShard;
    private int samples;
    private long text;

    ShardRange(int samplesPerShard) {
        this.samplesPerShard = samplesPerShard;
    }

    void nextShard() {
        samples = 0;
        text = 0;
    }

    boolean isFull() {
        return samples >= samplesPerShard || text >= TEXT_LIMIT;
    }

    boolean hasMore(SampleReader reader) {
        return !isFull() && reader.hasNext();
    }

    void count(int characters) {
        samples++;
        text += characters;
    }

    /** Characters of text of a sample. */
    static int text(Sample sample) {
        return switch (sample) {
            case Sample.Text s -> s.text().length();
            case Sample.CaptionedImage s -> s.caption().length();
            case Sample.TranscribedSpeech s -> s.transcript().length();
            case Sample.Interleaved s ->
                s.items().stream()
                        .mapToInt(item -> item instanceof Sample.Item.Text words
                                ? words.text().length()
                                : 0)
                        .sum();
            case Sample.Rejected _ -> 0;
        };
    }
}
