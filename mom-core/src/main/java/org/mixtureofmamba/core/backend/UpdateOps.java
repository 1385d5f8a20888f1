package org.mixtureofmamba.core.backend;

import java.util.List;

import org.mixtureofmamba.core.backend.StepSchedule.Span;
import org.mixtureofmamba.core.tensor.Tensor;

/** The optimizer: one pass each over flat buffers. */
public interface UpdateOps {
    /** out float64 [1] = Σ values², in a fixed order. */
    void squaredNorm(Tensor values, Tensor out);

    /**
     * Updates master weights, their working copy and the moments; changes nothing where the gradients' norm, which
     * {@code buffers.gradSquaredNorm} holds, is not finite.
     */
    void adamW(AdamW settings, TrainedBuffers buffers);

    /**
     * The updates of one model, to be closed before its buffers are freed. A backend may put parts of them off.
     *
     * @param parts of the weights that decay, in the order in which forward needs them and they lie
     */
    Update updates(TrainedBuffers buffers, List<Span> parts);

    /** Updates done at once. */
    default Update immediateUpdates(TrainedBuffers buffers, Memory memory) {
        return new ImmediateUpdate(this, buffers, memory);
    }
}
