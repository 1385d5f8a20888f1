package org.mixtureofmamba.core.tensor;

import java.util.Arrays;

/** The extents of a tensor, the last one contiguous in memory. */
public final class Shape {
    private final long[] extents;

    private Shape(long[] extents) {
        this.extents = extents;
    }

    /** @throws IllegalArgumentException if there is no extent or one is negative */
    public static Shape of(long... extents) {
        if (extents.length == 0 || Arrays.stream(extents).anyMatch(e -> e < 0)) {
            throw new IllegalArgumentException("no shape: " + Arrays.toString(extents));
        }
        return new Shape(extents.clone());
    }

    public int rank() {
        return extents.length;
    }

    /** The extent of an axis, counted from 0. */
    public long extent(int axis) {
        return extents[axis];
    }

    /** How many elements there are. */
    public long size() {
        long size = 1;
        for (long extent : extents) {
            size = Math.multiplyExact(size, extent);
        }
        return size;
    }

    /** The last extent; that of a flat buffer of a large model is beyond an int, see {@link #rowLength}. */
    public int columns() {
        return Math.toIntExact(rowLength());
    }

    /** The last extent. */
    public long rowLength() {
        return extents[extents.length - 1];
    }

    /** The product of all extents but the last: 1 for a vector. */
    public long rows() {
        long rows = 1;
        for (int axis = 0; axis < extents.length - 1; axis++) {
            rows = Math.multiplyExact(rows, extents[axis]);
        }
        return rows;
    }

    public long[] toArray() {
        return extents.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(extents);
    }

    /** As {@code [2, 37, 16]}. */
    @Override
    public String toString() {
        return Arrays.toString(extents);
    }
}
