package org.mixtureofmamba.core.modality;

import java.util.Arrays;

/** Consecutive ranges of rows: slab i runs from {@code start(i)} to {@code end(i)}. */
public final class Slabs {
    private final int[] starts;

    /** @param starts [count + 1], not decreasing */
    public Slabs(int... starts) {
        this.starts = starts.clone();
    }

    public int count() {
        return starts.length - 1;
    }

    public int start(int slab) {
        return starts[slab];
    }

    /** The row after the slab's last. */
    public int end(int slab) {
        return starts[slab + 1];
    }

    public int size(int slab) {
        return end(slab) - start(slab);
    }

    /** The slab that holds a row. */
    public int slabOf(int row) {
        int slab = 0;
        while (row >= end(slab)) {
            slab++;
        }
        return slab;
    }

    @Override
    public String toString() {
        return Arrays.toString(starts);
    }
}
