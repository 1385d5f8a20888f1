package org.mixtureofmamba.reference;

import java.util.Arrays;

import org.mixtureofmamba.core.modality.ModalityLayout;

/**
 * Where the tokens of each sequence lie, and where state starts anew. Where sequences go on with tokens that came
 * before them, the last C of those have rows too, behind all others: token (b, l) of l = -C .. -1 has row T + (b+1)·C +
 * l.
 *
 * @param carried whether sequences go on with what came before them
 * @param rowOf [B·L], the row of token (b, l)
 * @param documentStart [B·L]
 */
record SequenceOrder(int batch, int length, boolean carried, int[] rowOf, int[] documentStart) {
    /** For rows that have no such neighbour. */
    static final int NONE = -1;

    static SequenceOrder of(ModalityLayout layout, boolean carried) {
        return new SequenceOrder(
                layout.batch(),
                layout.length(),
                carried,
                HostArrays.readInts(layout.rowOf()),
                HostArrays.readInts(layout.documentStart()));
    }

    int row(int b, int l) {
        return rowOf[b * length + l];
    }

    /** Whether token (b, l) knows nothing of what came before it. */
    boolean startsAt(int b, int l) {
        return documentStart[b * length + l] != 0 || l == 0 && !carried;
    }

    /** The row of each token in the order of time: that of token (b, l) at l·B + b. */
    int[] rowsByTime() {
        var rows = new int[rowOf.length];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row(i % batch, i / batch);
        }
        return rows;
    }

    /**
     * For each row the row of the token {@code distance} earlier in the same document, or {@link #NONE}.
     *
     * @param history C, at least the distance
     */
    int[] rowsBefore(int distance, int history) {
        var before = new int[rowOf.length];
        for (int b = 0; b < batch; b++) {
            for (int l = 0; l < length; l++) {
                before[row(b, l)] = rowBefore(b, l, distance, history);
            }
        }
        return before;
    }

    /** For each sequence the rows of its last C tokens, as far as they are of one document; {@link #NONE} before. */
    int[] lastRows(int history) {
        var rows = new int[batch * history];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = rowBefore(i / history, length - 1, history - 1 - i % history, history);
        }
        return rows;
    }

    private int rowBefore(int b, int l, int distance, int history) {
        for (int later = l; later > l - distance && later >= 0; later--) {
            if (startsAt(b, later)) {
                return NONE;
            }
        }
        int earlier = l - distance;
        return earlier >= 0 ? row(b, earlier) : rowOf.length + (b + 1) * history + earlier;
    }

    /** For each of {@code size} rows the one that has it in {@code rows}, or {@link #NONE}. */
    static int[] inverse(int[] rows, int size) {
        var inverse = new int[size];
        Arrays.fill(inverse, NONE);
        for (int i = 0; i < rows.length; i++) {
            if (rows[i] != NONE) {
                inverse[rows[i]] = i;
            }
        }
        return inverse;
    }
}
