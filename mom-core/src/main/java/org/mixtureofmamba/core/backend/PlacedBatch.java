package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.modality.ModalityCounts;
import org.mixtureofmamba.core.modality.TokenBatch;

/** A batch on its way to the device. It lives until the second placing after its own. */
public interface PlacedBatch {
    /** The batch where operations can read it: what is given to the backend after this call waits for its arrival. */
    TokenBatch arrived();

    /** How many targets carry a loss, by modality; known at once. */
    ModalityCounts lossTokens();

    /** A batch that is there already. */
    static PlacedBatch at(TokenBatch batch) {
        return new PlacedBatch() {
            @Override
            public TokenBatch arrived() {
                return batch;
            }

            @Override
            public ModalityCounts lossTokens() {
                return batch.lossTokens();
            }
        };
    }
}
