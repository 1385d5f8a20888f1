package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/** Where a backend's tensors live. */
public interface Memory {
    /**
     * Uninitialised memory, aligned to 256 bytes.
     *
     * @param purpose what it is for, named when there is not enough
     * @throws org.mixtureofmamba.core.FailureException if there is not enough: what was asked, what is held and by whom
     */
    Storage allocate(long bytes, String purpose);

    /** Gives back what {@link #allocate} gave. */
    void free(Storage storage);

    /** A tensor of zeros in memory of its own, to be freed by {@code free(tensor.storage())}. */
    default Tensor zeros(String purpose, DType dtype, long... extents) {
        var shape = Shape.of(extents);
        var tensor = Tensor.of(dtype, shape, allocate(Math.max(1, shape.size()) * dtype.byteSize(), purpose));
        fill(tensor, 0);
        return tensor;
    }

    /** Every element of a contiguous tensor becomes {@code value}. */
    void fill(Tensor tensor, double value);

    /**
     * Copies elements between tensors of equal size, either of which may lie in host memory, rounding to the target's
     * type; on return both may be used by the caller.
     */
    void copy(Tensor from, Tensor to);
}
