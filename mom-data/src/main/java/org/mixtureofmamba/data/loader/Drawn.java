package org.mixtureofmamba.data.loader;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.tokenizers.Vocabulary;

/**
 * What the batches before a step hold: what was asked of each part, and what was drawn from it. Padding is not counted.
 * Follows from the {@link LoaderState} at that step and the corpus alone, so it is the same however often the run was
 * broken off.
 *
 * @param batches counted
 * @param tokens of all parts
 * @param modalities shares of all tokens
 */
public record Drawn(long batches, long tokens, List<Share> modalities, List<Part> parts) {
    public Drawn {
        modalities = List.copyOf(modalities);
        parts = List.copyOf(parts);
    }

    /**
     * Of one part of the corpus.
     *
     * @param weight asked of its tokens among all
     * @param share of its tokens among all
     * @param documents begun; the last ones may go on in batches to come
     * @param epochs documents over the documents that the part has for training
     * @param modalities shares of the part's tokens
     */
    public record Part(
            String part,
            double weight,
            double share,
            long documents,
            double epochs,
            long tokens,
            List<Share> modalities) {
        public Part {
            modalities = List.copyOf(modalities);
        }
    }

    /** Tokens of one modality; control tokens are text. */
    public record Share(String modality, long tokens, double share) {}

    static Drawn of(
            LoaderState state,
            List<String> names,
            List<DocumentSet> sets,
            List<Double> weights,
            Vocabulary vocabulary,
            long seed) {
        var all = new long[Modality.count()];
        long tokens = state.tokens().stream().mapToLong(Long::longValue).sum();
        var parts = new ArrayList<Part>();
        for (int p = 0; p < sets.size(); p++) {
            var counts = counts(p, sets.get(p), state, vocabulary, seed);
            for (int m = 0; m < all.length; m++) {
                all[m] += counts[m];
            }
            long documents = state.documents().get(p);
            long ofPart = state.tokens().get(p);
            parts.add(new Part(
                    names.get(p),
                    weights.get(p),
                    fraction(ofPart, tokens),
                    documents,
                    fraction(documents, sets.get(p).size()),
                    ofPart,
                    shares(counts)));
        }
        return new Drawn(state.step(), tokens, shares(all), parts);
    }

    /**
     * Whole epochs hold what the part holds; of the last one the documents are counted, and what is still to come of
     * them is not.
     */
    private static long[] counts(int p, DocumentSet set, LoaderState state, Vocabulary vocabulary, long seed) {
        var counts = new long[Modality.count()];
        if (set.size() == 0) {
            return counts;
        }
        long documents = state.documents().get(p);
        long epochs = documents / set.size();
        for (var modality : Modality.values()) {
            counts[modality.index()] = epochs * set.tokens(modality);
        }
        var order = Permutation.ofEpoch(set.size(), seed, p, epochs);
        for (long place = 0; place < documents % set.size(); place++) {
            add(1, set, order.at(place), 0, vocabulary, counts);
        }
        for (var carried : state.carried()) {
            if (carried.part() == p) {
                add(-1, set, carried.document(), carried.from(), vocabulary, counts);
            }
        }
        return counts;
    }

    private static void add(int sign, DocumentSet set, long document, int from, Vocabulary vocabulary, long[] counts) {
        var ids = new int[set.length(document) - from];
        set.copy(document, from, ids.length, ids, 0);
        for (int id : ids) {
            counts[vocabulary.modalityOf(id).index()] += sign;
        }
    }

    private static List<Share> shares(long[] counts) {
        long all = Arrays.stream(counts).sum();
        return Arrays.stream(Modality.values())
                .filter(modality -> counts[modality.index()] > 0)
                .map(modality ->
                        new Share(modality.key(), counts[modality.index()], fraction(counts[modality.index()], all)))
                .toList();
    }

    private static double fraction(long some, long all) {
        return all == 0 ? 0 : some / (double) all;
    }
}
