package org.mixtureofmamba.core.nn;

import java.util.Optional;

import org.mixtureofmamba.core.backend.Carry;

/**
 * What a block's sequences take over from the tokens before and leave for those after. The two are different tensors.
 *
 * @param before read; without it the sequences begin with nothing
 * @param after overwritten; not written where nobody asks for it
 */
public record BlockCarry(Optional<BlockState> before, Optional<BlockState> after) {
    public static final BlockCarry NONE = new BlockCarry(Optional.empty(), Optional.empty());

    /** The part of one operation. */
    public Carry part(int tensor) {
        return new Carry(
                before.map(state -> state.tensors().get(tensor)),
                after.map(state -> state.tensors().get(tensor)));
    }
}
