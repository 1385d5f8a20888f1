package org.mixtureofmamba.core.nn;

/**
 * Floating-point operations of a forward pass and of its backward pass.
 *
 * @param forward operations of the forward pass
 * @param backward operations of the backward pass, those of forward not repeated
 */
public record FlopCount(long forward, long backward) {
    /** No operation. */
    public static final FlopCount NONE = new FlopCount(0, 0);

    /** Both together: what a training step spends on it. */
    public long training() {
        return Math.addExact(forward, backward);
    }

    public FlopCount plus(FlopCount other) {
        return new FlopCount(Math.addExact(forward, other.forward), Math.addExact(backward, other.backward));
    }

    public FlopCount times(long factor) {
        return new FlopCount(Math.multiplyExact(forward, factor), Math.multiplyExact(backward, factor));
    }
}
