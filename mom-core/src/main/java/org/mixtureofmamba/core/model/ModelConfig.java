package org.mixtureofmamba.core.model;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.nn.Block;
import org.mixtureofmamba.core.nn.Parameters;

/** What a model is made of. Each kind of model is a record of its own that knows its blocks. */
public interface ModelConfig {
    /** D. */
    int dModel();

    int blocks();

    /** V. */
    int vocabulary();

    /** M; a batch's modalities are 0 .. M-1. */
    int modalities();

    /** Whether state starts anew at each document of a packed sequence. */
    boolean resetAtDocuments();

    /** Added to the mean square in RMSNorm. */
    double normEpsilon();

    /** Whether the head is the table of the embedding. */
    boolean tieEmbeddings();

    /**
     * Declares a block's parameters.
     *
     * @param index counted from 0
     * @param prefix of the official names, as {@code backbone.layers.0.}
     */
    Block block(int index, Backend backend, Parameters parameters, String prefix);
}
