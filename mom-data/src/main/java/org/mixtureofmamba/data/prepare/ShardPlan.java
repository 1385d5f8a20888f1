package org.mixtureofmamba.data.prepare;

import java.io.Serial;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.ContentHash;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;

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
     * @param pieces what {@link OpenedPreparation#count} gave for each piece of the source, in order
     * @throws UserException if there are more samples than one source may have
     */
    public ShardPlan(List<Count> pieces, int samplesPerShard) {
        var range = new Range(samplesPerShard);
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
    public List<Slice> slices(int count) {
        var slices = new ArrayList<Slice>();
        int most = Math.min(count, shards());
        for (int i = 0; i < most; i++) {
            int first = (int) ((long) shards() * i / most);
            int end = (int) ((long) shards() * (i + 1) / most);
            var start = starts.get(first);
            int samplesEnd = end < shards() ? starts.get(end).sample() : samples;
            slices.add(new Slice(
                    first, end - first, start.piece(), start.skip(), duplicates.get(start.sample(), samplesEnd)));
        }
        return slices;
    }

    /**
     * What decides where the shards of a source begin, counted in one of its pieces.
     *
     * @param texts characters of text of each sample
     * @param hashes the two halves of each sample's content hash, one after the other; empty where duplicates are not
     *     looked for. A sample that cannot be used is no duplicate, and has zeros
     */
    public record Count(int[] texts, long[] hashes) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    /**
     * Shards of one source that follow one another, and where their samples stand.
     *
     * @param first number of the first shard
     * @param shards how many
     * @param piece of the source in which the first one begins
     * @param skip samples of that piece before it
     * @param duplicates which of the samples from there on came before in the source
     */
    public record Slice(int first, int shards, int piece, int skip, BitSet duplicates) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    /**
     * The samples of one source that make up its shards, in turn. A shard ends after a number of samples, or once its
     * samples hold {@value #TEXT_LIMIT} characters of text, whichever comes first, so that a shard fits into memory
     * whatever the texts are. Where shards end depends on the samples alone.
     */
    static final class Range {
        static final long TEXT_LIMIT = 64L << 20;

        private final int samplesPerShard;
        private int samples;
        private long text;

        Range(int samplesPerShard) {
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
}
