package org.mixtureofmamba.core.nn;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.Tensor;

/** What is asked of a model's last rows, of all of them or of some slabs. Shapes: T tokens, D model. */
public interface Objective extends AutoCloseable {
    /** Adds the batch's losses to what {@link #takeLosses} will return. u [T, D]. */
    void forward(Tensor u, TokenBatch batch);

    /**
     * The same, and the gradients of {@code scale · Σ loss}.
     *
     * @param gradU [T, D], overwritten, zero where nothing is asked
     * @param write whether gradients of parameters are overwritten or added to
     */
    void forwardBackward(Tensor u, TokenBatch batch, double scale, Tensor gradU, Write write);

    /** The losses since the last call; waits for the device. */
    Losses takeLosses();

    /** The operations on so many tokens. */
    FlopCount flops(long tokens);

    @Override
    void close();
}
