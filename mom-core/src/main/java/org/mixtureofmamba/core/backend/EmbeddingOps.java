package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.Tensor;

/** The table of tokens: T tokens, V rows, D columns. */
public interface EmbeddingOps {
    /** out[t] = table[ids[t]]; table [V, D], out [T, D]. */
    void embeddingForward(TokenIds ids, Tensor table, Tensor out);

    /** gradTable[ids[t]] += gradOut[t], in a fixed order; rows that no id names are left as they are. */
    void embeddingBackward(TokenIds ids, Tensor gradOut, Tensor gradTable);
}
