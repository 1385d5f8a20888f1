package org.mixtureofmamba.core.modality;

import java.lang.foreign.ValueLayout;

import org.mixtureofmamba.core.tensor.Tensor;

/** Token ids, and how large they can be: so a table's size is checked without reading them again. */
public interface TokenIds {
    /** int32 [T]. */
    Tensor values();

    /** All ids are in 0 .. bound-1. */
    int bound();

    /**
     * Ids in host memory.
     *
     * @param values int32 [T]
     * @throws IllegalArgumentException if one is below 0
     */
    static TokenIds of(Tensor values) {
        int bound = 0;
        for (int id :
                values.segment().asSlice(0, values.size() * Integer.BYTES).toArray(ValueLayout.JAVA_INT_UNALIGNED)) {
            if (id < 0) {
                throw new IllegalArgumentException("token id %d is below 0".formatted(id));
            }
            bound = Math.max(bound, id + 1);
        }
        return new Placed(values, bound);
    }

    static TokenIds of(int... values) {
        return of(Tensor.ofInts(values));
    }

    /** @throws IllegalArgumentException if an id is beyond a table of so many rows */
    default void checkBelow(long rows) {
        if (bound() > rows) {
            throw new IllegalArgumentException("token id %d is not within 0 .. %d".formatted(bound() - 1, rows - 1));
        }
    }

    /** Ids anywhere. */
    record Placed(Tensor values, int bound) implements TokenIds {}
}
