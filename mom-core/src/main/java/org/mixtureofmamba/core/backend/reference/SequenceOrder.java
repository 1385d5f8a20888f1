package org.mixtureofmamba.core.backend.reference;

import java.util.Arrays;

import org.mixtureofmamba.core.modality.ModalityLayout;

/**
 * Where the tokens of each sequence lie, and where state starts anew.
 *
 * @param rowOf [B·L], the row of token (b, l)
 * @param documentStart [B·L]
 */
record SequenceOrder(int batch, int length, int[] rowOf, int[] documentStart) {
    /** For rows that have no such neighbour. */
    static final int NONE = -1;

    static SequenceOrder of(ModalityLayout layout) {
        return new SequenceOrder(
                layout.batch(),
                layout.length(),
                HostArrays.readInts(layout.rowOf()),
                HostArrays.readInts(layout.documentStart()));
    }

    int row(int b, int l) {
        return rowOf[b * length + l];
    }

    /** Whether token (b, l) knows nothing of what came before it. */
    boolean startsAt(int b, int l) {
        return l == 0 || documentStart[b * length + l] != 0;
    }

    /** The row of each token in the order of time: that of token (b, l) at l·B + b. */
    int[] rowsByTime() {
        var rows = new int[rowOf.length];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row(i % batch, i / batch);
        }
        return rows;
    }

    /** For each row the row of the token {@code distance} earlier in the same document, or {@link #NONE}. */
    int[] rowsBefore(int distance) {
        var before = new int[rowOf.length];
        Arrays.fill(before, NONE);
        for (int b = 0; b < batch; b++) {
            int start = 0;
            for (int l = 0; l < length; l++) {
                start = startsAt(b, l) ? l : start;
                if (l - distance >= start) {
                    before[row(b, l)] = row(b, l - distance);
                }
            }
        }
        return before;
    }

    /** For each row the row of the token {@code distance} later in the same document, or {@link #NONE}. */
    int[] rowsAfter(int distance) {
        var before = rowsBefore(distance);
        var after = new int[before.length];
        Arrays.fill(after, NONE);
        for (int row = 0; row < before.length; row++) {
            if (before[row] != NONE) {
                after[before[row]] = row;
            }
        }
        return after;
    }
}
