package org.mixtureofmamba.data.loader;

import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.tokenizers.Vocabulary;

/**
 * What of each modality may still go into the batch that is being packed, and which parts have to wait for the next.
 */
final class BatchAllowance {
    private final List<DocumentSet> parts;
    private final Vocabulary vocabulary;
    private final boolean binds;
    private final long[] most = new long[Modality.count()];
    private final long[] packed = new long[Modality.count()];
    private final boolean[] waiting;

    BatchAllowance(List<DocumentSet> parts, Vocabulary vocabulary, ShareBounds bounds, BatchShape shape) {
        this.parts = parts;
        this.vocabulary = vocabulary;
        this.binds = bounds.bind();
        this.waiting = new boolean[parts.size()];
        for (var modality : Modality.values()) {
            most[modality.index()] = bounds.tokens(modality, (long) shape.batch() * shape.length());
        }
    }

    void nextBatch() {
        Arrays.fill(packed, 0);
        Arrays.fill(waiting, false);
    }

    /** Whether nothing more of a part goes into this batch. */
    boolean waits(int part) {
        return waiting[part];
    }

    /** How many tokens of text may still be packed. */
    int textLeft(int wanted) {
        int text = Modality.TEXT.index();
        return (int) Math.min(wanted, most[text] - packed[text]);
    }

    /** Takes a piece into the batch; false, and its part waits, where a bound keeps it out. */
    boolean take(Piece piece) {
        if (!binds) {
            return true;
        }
        var counts = new long[Modality.count()];
        var set = parts.get(piece.part());
        for (int i = 0; i < piece.count(); i++) {
            counts[
                    vocabulary
                            .modalityOf(set.token(piece.document(), piece.from() + i))
                            .index()]++;
        }
        boolean fits = true;
        for (int m = 0; m < counts.length; m++) {
            if (counts[m] > most[m]) {
                throw new UserException(
                        "document '%s' has %d tokens of %s, more than the %d that the bound allows a batch; raise the bound"
                                .formatted(set.id(piece.document()), counts[m], Modality.values()[m].key(), most[m]));
            }
            fits &= packed[m] + counts[m] <= most[m];
        }
        if (!fits) {
            waiting[piece.part()] = true;
            return false;
        }
        for (int m = 0; m < counts.length; m++) {
            packed[m] += counts[m];
        }
        return true;
    }

    /** Nothing more of a part in this batch. */
    void putOff(int part) {
        waiting[part] = true;
    }
}
