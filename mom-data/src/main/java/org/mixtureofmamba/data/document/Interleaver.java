package org.mixtureofmamba.data.document;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.Vocabulary;
import org.mixtureofmamba.tokenizers.Vocabulary.Special;

/**
 * Orders a pair of text and image, or text and speech, and writes documents as token sequences:
 *
 * <pre>BOD  text  BOI image EOI  BOS speech EOS  EOD</pre>
 *
 * Which way round they stand is drawn, half and half in Chameleon (arXiv 2405.09818, section 2); a hash of seed and
 * document id decides, so that the order of one document depends on no other.
 *
 * @param textFirst how often the text stands first
 */
public record Interleaver(Vocabulary vocabulary, long seed, double textFirst) {
    /** Either way round equally often. */
    public Interleaver(Vocabulary vocabulary, long seed) {
        this(vocabulary, seed, 0.5);
    }

    /** The two segments, either way round; an empty text is left out. */
    public List<Segment> pair(String id, Segment text, Segment media) {
        if (text.tokens().length == 0) {
            return List.of(media);
        }
        return ContentHash.of(seed + "/" + id).fraction() < 1 - textFirst ? List.of(media, text) : List.of(text, media);
    }

    /** The ids of a document with all control tokens. */
    public int[] tokens(Document document) {
        int length = 2
                + document.segments().stream()
                        .mapToInt(segment -> segment.tokens().length + (segment.modality() == Modality.TEXT ? 0 : 2))
                        .sum();
        var tokens = new int[length];
        int at = 0;
        tokens[at++] = vocabulary.special(Special.BOD);
        for (var segment : document.segments()) {
            at = switch (segment.modality()) {
                case TEXT -> copy(segment, tokens, at);
                case IMAGE -> bracketed(segment, Special.BOI, Special.EOI, tokens, at);
                case SPEECH -> bracketed(segment, Special.BOS, Special.EOS, tokens, at);
            };
        }
        tokens[at] = vocabulary.special(Special.EOD);
        return tokens;
    }

    private int bracketed(Segment segment, Special begin, Special end, int[] tokens, int at) {
        tokens[at] = vocabulary.special(begin);
        int after = copy(segment, tokens, at + 1);
        tokens[after] = vocabulary.special(end);
        return after + 1;
    }

    private static int copy(Segment segment, int[] tokens, int at) {
        System.arraycopy(segment.tokens(), 0, tokens, at, segment.tokens().length);
        return at + segment.tokens().length;
    }

    /** The segments of a token sequence, without its control tokens: maximal runs of one modality. */
    public List<Segment> segments(int[] tokens) {
        var segments = new ArrayList<Segment>();
        int start = 0;
        for (int end = 0; end <= tokens.length; end++) {
            boolean breaks = end == tokens.length
                    || vocabulary.isSpecial(tokens[end])
                    || end > start && vocabulary.modalityOf(tokens[end]) != vocabulary.modalityOf(tokens[start]);
            if (!breaks) {
                continue;
            }
            if (end > start) {
                var ids = Arrays.copyOfRange(tokens, start, end);
                segments.add(new Segment(vocabulary.modalityOf(ids[0]), ids));
            }
            start = end < tokens.length && vocabulary.isSpecial(tokens[end]) ? end + 1 : end;
        }
        return segments;
    }
}
