package org.mixtureofmamba.core.backend;

import java.util.Optional;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * What an operation along a sequence takes over from the tokens before and leaves for those after, one entry a
 * sequence. The two are different tensors.
 *
 * @param before read; without it the sequence begins with nothing
 * @param after overwritten; not written where nobody asks for it
 */
public record Carry(Optional<Tensor> before, Optional<Tensor> after) {
    public static final Carry NONE = new Carry(Optional.empty(), Optional.empty());
}
