package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.modality.ModalityLayout;

/**
 * A layout as the operations along the sequence read it.
 *
 * @param rowOf [B·L]
 * @param position [B·L], how many tokens of its document precede a token: 0 where state is reset
 */
record SequenceOrder(int batch, int length, int[] rowOf, int[] position) {
    static SequenceOrder of(ModalityLayout layout) {
        int tokens = layout.tokens();
        var rowOf = Ints.below(tokens, layout.rowOf(), tokens);
        var position = Ints.of(layout.documentStart(), tokens);
        for (int t = 0; t < tokens; t++) {
            position[t] = position[t] != 0 || t % layout.length() == 0 ? 0 : position[t - 1] + 1;
        }
        return new SequenceOrder(layout.batch(), layout.length(), rowOf, position);
    }
}
