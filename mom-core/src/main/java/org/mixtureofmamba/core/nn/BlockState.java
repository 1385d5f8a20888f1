package org.mixtureofmamba.core.nn;

import java.util.List;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * What a block carries from token to token; which tensors these are, the block knows.
 *
 * @param tensors [B, ...] each
 */
public record BlockState(List<Tensor> tensors) {
    public BlockState {
        tensors = List.copyOf(tensors);
    }

    public BlockState(Tensor... tensors) {
        this(List.of(tensors));
    }
}
