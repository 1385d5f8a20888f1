package org.mixtureofmamba.core.backend.cuda.op;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * {@code struct DtSlabs} of selective_scan.cuh: which bias of the step size, or which gradient of one, each row uses.
 */
public final class StepBiases {
    private static final int MOST = 8;
    private static final long STARTS = (long) MOST * Long.BYTES;
    private static final long COUNT = STARTS + (MOST + 1L) * Integer.BYTES;
    private static final long BYTES = COUNT + Integer.BYTES;

    private final MemorySegment structure = Arena.ofAuto().allocate(BYTES, Long.BYTES);

    /**
     * The structure, valid until the next call.
     *
     * @param biases one, or one for each slab
     */
    public MemorySegment of(List<Tensor> biases, Slabs slabs) {
        int count = slabs.count();
        if (biases.size() != count || count > MOST) {
            throw new IllegalArgumentException(
                    "%d step biases for %d slabs; at most %d".formatted(biases.size(), count, MOST));
        }
        for (int i = 0; i < MOST; i++) {
            structure.setAtIndex(
                    ValueLayout.JAVA_LONG, i, i < count ? biases.get(i).deviceAddress() : 0);
        }
        for (int i = 0; i <= MOST; i++) {
            int start = i < count ? slabs.start(i) : slabs.end(count - 1);
            structure.set(ValueLayout.JAVA_INT, STARTS + (long) i * Integer.BYTES, start);
        }
        structure.set(ValueLayout.JAVA_INT, COUNT, count);
        return structure;
    }
}
