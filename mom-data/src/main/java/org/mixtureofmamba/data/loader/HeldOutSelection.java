package org.mixtureofmamba.data.loader;

import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.tokenizers.Vocabulary;

/**
 * How many held-out documents of each part make an evaluation, taken in the order in which {@link Packer} draws them.
 *
 * @param documents taken of each part
 * @param tokens of those documents, for each part
 */
record HeldOutSelection(List<Long> documents, List<Long> tokens) {
    /** Of the order of held-out documents, which is the same for every run. */
    static final long SEED = 0;

    HeldOutSelection {
        documents = List.copyOf(documents);
        tokens = List.copyOf(tokens);
    }

    /**
     * Takes documents until there are {@code least} targets of each modality. Of the parts that hold a modality the one
     * gives the next document of which the smallest share is taken. The scarce modalities come first, since the text
     * beside images and speech counts as text.
     */
    static HeldOutSelection of(List<DocumentSet> parts, Vocabulary vocabulary, long least) {
        var documents = new long[parts.size()];
        var tokens = new long[parts.size()];
        if (least == Long.MAX_VALUE) {
            Arrays.setAll(documents, p -> parts.get(p).size());
            Arrays.setAll(tokens, p -> parts.get(p).tokens());
        } else {
            var targets = new long[Modality.count()];
            for (var modality : List.of(Modality.values()).reversed()) {
                int next = next(parts, documents, modality);
                while (targets[modality.index()] < least && next >= 0) {
                    var part = parts.get(next);
                    var order = Permutation.ofEpoch(part.size(), SEED, next, 0);
                    var ids = part.tokens(order.at(documents[next]++));
                    tokens[next] += ids.length;
                    for (int i = 1; i < ids.length; i++) {
                        targets[vocabulary.modalityOf(ids[i]).index()]++;
                    }
                    next = next(parts, documents, modality);
                }
            }
        }
        return new HeldOutSelection(
                Arrays.stream(documents).boxed().toList(),
                Arrays.stream(tokens).boxed().toList());
    }

    /** The part that gives the next document of a modality; -1 where none is left. */
    private static int next(List<DocumentSet> parts, long[] documents, Modality modality) {
        int next = -1;
        double smallest = 1;
        for (int p = 0; p < documents.length; p++) {
            var part = parts.get(p);
            double taken = part.size() == 0 ? 1 : (double) documents[p] / part.size();
            if (taken < smallest && part.tokens(modality) > 0) {
                smallest = taken;
                next = p;
            }
        }
        return next;
    }
}
