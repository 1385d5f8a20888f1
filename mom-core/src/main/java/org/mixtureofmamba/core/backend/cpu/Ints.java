package org.mixtureofmamba.core.backend.cpu;

import java.lang.foreign.ValueLayout;

import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** Indices, copied out of a tensor and checked, since what they index is reached by address. */
final class Ints {
    private Ints() {}

    /** @throws IllegalArgumentException if the tensor is not a contiguous int32 tensor of so many elements */
    static int[] of(Tensor tensor, int size) {
        if (tensor.dtype() != DType.INT32 || tensor.size() != size || !tensor.isContiguous()) {
            throw new IllegalArgumentException(
                    "a tensor %s %s where %d integers are due".formatted(tensor.dtype(), tensor.shape(), size));
        }
        return tensor.segment().asSlice(0, (long) size * Integer.BYTES).toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }

    /** The same; each must be in 0 .. limit-1. */
    static int[] below(int limit, Tensor tensor, int size) {
        var values = of(tensor, size);
        for (int value : values) {
            check(value, limit);
        }
        return values;
    }

    static void check(int value, int limit) {
        if (value < 0 || value >= limit) {
            throw new IllegalArgumentException("index %d is not within 0 .. %d".formatted(value, limit - 1));
        }
    }
}
