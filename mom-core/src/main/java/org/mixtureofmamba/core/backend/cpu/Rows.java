package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * A float32 tensor in native memory as kernels see it: rows of contiguous floats.
 *
 * @param address of the first element
 * @param stride from one row to the next, in floats
 */
record Rows(long address, long stride, int rows, int columns) {
    /** @throws IllegalArgumentException if the tensor is of another type or lies in the Java heap */
    static Rows of(Tensor tensor) {
        var segment = tensor.segment();
        if (tensor.dtype() != DType.FLOAT32 || !segment.isNative()) {
            throw new IllegalArgumentException(
                    "the backend cpu works on float32 in native memory, not on a tensor %s %s"
                            .formatted(tensor.dtype(), tensor.shape()));
        }
        return new Rows(segment.address(), tensor.rowStride(), Math.toIntExact(tensor.rows()), tensor.columns());
    }

    /** The same, and of this shape. */
    static Rows of(Tensor tensor, int rows, int columns) {
        var view = of(tensor);
        if (view.rows != rows || view.columns != columns) {
            throw new IllegalArgumentException(
                    "a tensor %s where [%d, %d] is due".formatted(tensor.shape(), rows, columns));
        }
        return view;
    }

    /** All elements of a contiguous tensor as one row of this many columns. */
    static Rows flat(Tensor tensor, int size) {
        if (!tensor.isContiguous()) {
            throw new IllegalArgumentException("a tensor %s with gaps between its rows".formatted(tensor.shape()));
        }
        return of(tensor.reshape(1, tensor.size()), 1, size);
    }

    /** The address of a row. */
    long row(int row) {
        return address + row * stride * Float.BYTES;
    }

    /** The address of an element. */
    long at(int row, int column) {
        return row(row) + (long) column * Float.BYTES;
    }
}
