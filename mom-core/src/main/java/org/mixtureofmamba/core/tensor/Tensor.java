package org.mixtureofmamba.core.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A view of storage as rows of contiguous elements: element (row, column) lies at {@code offset + row * rowStride +
 * column}. A tensor of rank r has {@code shape.rows()} rows of {@code shape.columns()} columns. Views share storage;
 * nothing here computes.
 *
 * @param offset in elements
 * @param rowStride in elements, at least the number of columns
 */
public record Tensor(DType dtype, Shape shape, Storage storage, long offset, long rowStride) {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public Tensor {
        long end = end(shape, offset, rowStride);
        if (offset < 0 || rowStride < shape.rowLength() || end * dtype.byteSize() > storage.byteSize()) {
            throw new IndexOutOfBoundsException("a %s tensor %s at %d, row stride %d, does not lie within %d bytes"
                    .formatted(dtype, shape, offset, rowStride, storage.byteSize()));
        }
    }

    private static long end(Shape shape, long offset, long rowStride) {
        return shape.size() == 0 ? offset : offset + (shape.rows() - 1) * rowStride + shape.rowLength();
    }

    /** The whole of a storage from its start, without gaps. */
    public static Tensor of(DType dtype, Shape shape, Storage storage) {
        return new Tensor(dtype, shape, storage, 0, shape.rowLength());
    }

    /** Zeros in host memory that lives as long as {@code arena}. */
    public static Tensor onHost(Arena arena, DType dtype, long... extents) {
        var shape = Shape.of(extents);
        return of(dtype, shape, new Storage.Host(arena.allocate(Math.max(1, shape.size() * dtype.byteSize()), 64)));
    }

    /** A float64 tensor [values.length] that the garbage collector frees. */
    public static Tensor ofDoubles(double... values) {
        return of(DType.FLOAT64, Shape.of(values.length), new Storage.Host(MemorySegment.ofArray(values)));
    }

    /** A float32 tensor [values.length] over the array itself. */
    public static Tensor ofFloats(float... values) {
        return of(DType.FLOAT32, Shape.of(values.length), new Storage.Host(MemorySegment.ofArray(values)));
    }

    /** An int32 tensor [values.length] over the array itself. */
    public static Tensor ofInts(int... values) {
        return of(DType.INT32, Shape.of(values.length), new Storage.Host(MemorySegment.ofArray(values)));
    }

    public long rows() {
        return shape.rows();
    }

    public int columns() {
        return shape.columns();
    }

    public long size() {
        return shape.size();
    }

    /** Where the last element ends, in elements as {@link #offset} is. */
    public long end() {
        return end(shape, offset, rowStride);
    }

    public boolean isContiguous() {
        return rowStride == shape.rowLength() || rows() == 1;
    }

    /** Columns {@code from} (inclusive) to {@code to} (exclusive) of every row, as [rows, to - from]. */
    public Tensor columns(int from, int to) {
        if (from < 0 || to > columns() || from > to) {
            throw new IndexOutOfBoundsException("columns %d to %d of %s".formatted(from, to, shape));
        }
        return new Tensor(dtype, Shape.of(rows(), to - from), storage, offset + from, rowStride);
    }

    /** All columns from {@code from} on. */
    public Tensor from(int from) {
        return columns(from, columns());
    }

    /** Rows {@code from} (inclusive) to {@code to} (exclusive), as [to - from, columns]. */
    public Tensor rows(long from, long to) {
        if (from < 0 || to > rows() || from > to) {
            throw new IndexOutOfBoundsException("rows %d to %d of %s".formatted(from, to, shape));
        }
        return new Tensor(dtype, Shape.of(to - from, columns()), storage, offset + from * rowStride, rowStride);
    }

    /** The same elements under another shape of equal size; only where there are no gaps between rows. */
    public Tensor reshape(long... extents) {
        var other = Shape.of(extents);
        if (other.size() != size() || !isContiguous()) {
            throw new IllegalArgumentException("%s cannot be seen as %s".formatted(shape, other));
        }
        return new Tensor(dtype, other, storage, offset, other.rowLength());
    }

    /** Where the first element lies in device memory, in bytes. */
    public long deviceAddress() {
        return switch (storage) {
            case Storage.Device device -> device.address() + offset * dtype.byteSize();
            case Storage.Host host ->
                throw new IllegalStateException("a tensor %s in host memory has no device address".formatted(shape));
        };
    }

    /**
     * Where an element lies in device memory, in bytes; {@code element} counts from the first, gaps between rows
     * included.
     */
    public long deviceAddress(long element) {
        return deviceAddress() + element * dtype.byteSize();
    }

    /** The host memory from the first element on. */
    public MemorySegment segment() {
        return switch (storage) {
            case Storage.Host host -> host.segment().asSlice(offset * dtype.byteSize());
            case Storage.Device device ->
                throw new IllegalStateException("a tensor %s in device memory has no host segment".formatted(shape));
        };
    }

    /** Element (row, column) of a host tensor as a double. */
    public double get(long row, long column) {
        long at = (row * rowStride + column) * dtype.byteSize();
        var memory = segment();
        return switch (dtype) {
            case FLOAT64 -> memory.get(DOUBLE, at);
            case FLOAT32 -> memory.get(FLOAT, at);
            case INT32 -> memory.get(INT, at);
            case BFLOAT16 -> Bfloat16.toFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
        };
    }

    /** Sets element (row, column) of a host tensor, rounding to its type. */
    public void set(long row, long column, double value) {
        long at = (row * rowStride + column) * dtype.byteSize();
        var memory = segment();
        switch (dtype) {
            case FLOAT64 -> memory.set(DOUBLE, at, value);
            case FLOAT32 -> memory.set(FLOAT, at, (float) value);
            case INT32 -> memory.set(INT, at, (int) value);
            case BFLOAT16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Bfloat16.of((float) value));
        }
    }

    /** All elements of a host tensor, row by row. */
    public double[] toDoubles() {
        var values = new double[Math.toIntExact(size())];
        int columns = columns();
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i / columns, i % columns);
        }
        return values;
    }
}
