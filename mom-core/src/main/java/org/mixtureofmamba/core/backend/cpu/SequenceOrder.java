package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.modality.ModalityLayout;

/**
 * A layout as the operations along the sequence read it.
 *
 * @param rowOf [B·L]
 * @param position [B·L], how many tokens of its document precede a token: 0 where state is reset, {@link #CARRIED} or
 *     more as long as a sequence goes on with what came before it
 */
record SequenceOrder(int batch, int length, int[] rowOf, int[] position) {
    /** Further than any kernel reaches back. */
    private static final int CARRIED = 1 << 30;

    /** @param carried whether sequences go on with what came before them */
    static SequenceOrder of(ModalityLayout layout, boolean carried) {
        int tokens = layout.tokens();
        var rowOf = Ints.below(tokens, layout.rowOf(), tokens);
        var position = Ints.of(layout.documentStart(), tokens);
        for (int t = 0; t < tokens; t++) {
            if (position[t] != 0) {
                position[t] = 0;
            } else if (t % layout.length() == 0) {
                position[t] = carried ? CARRIED : 0;
            } else {
                position[t] = position[t - 1] + 1;
            }
        }
        return new SequenceOrder(layout.batch(), layout.length(), rowOf, position);
    }
}
