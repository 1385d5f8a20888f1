package org.mixtureofmamba.core.nn;

import java.util.Map;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * One residual block of a model: x + f(norm(x)), where f mixes tokens or features. The model knows no kind of block by
 * name. Shapes: T tokens, D model.
 */
public interface Block {
    /**
     * x [T, D], rows in modality order, to x + f(norm(x)) [T, D]. The tape keeps what backward needs.
     *
     * @param carry what the sequences take over from the tokens before and leave for those after
     */
    Tensor forward(Tensor x, ModalityLayout layout, BlockCarry carry, Tape tape);

    /**
     * Turns the gradient of the block's output [T, D] into that of its input, in place.
     *
     * @param carry what forward was given; only what came before is read
     * @param write whether gradients of parameters are overwritten or added to; after an overwriting call each holds
     *     the gradient, also where the batch has no token that uses it
     * @param gradCarry the gradients of what was carried: {@code after} is read, {@code before} is overwritten
     */
    void backward(Tensor grad, ModalityLayout layout, BlockCarry carry, Tape tape, Write write, BlockCarry gradCarry);

    /** What a sequence carries from token to token: tensors of zeros, which say that nothing came before. */
    BlockState newState(int batch);

    /** What a block has seen of its batches since the last call, by name; most have nothing to tell. */
    default Map<String, Double> takeObservations() {
        return Map.of();
    }

    /** The operations on a batch of so many tokens. */
    FlopCount flops(long tokens);
}
