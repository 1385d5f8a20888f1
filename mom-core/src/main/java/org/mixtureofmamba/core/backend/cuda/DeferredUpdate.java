package org.mixtureofmamba.core.backend.cuda;

import java.util.List;

import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The optimizer's pass over the large weights, put off into the next step. It only moves memory, and a scan only
 * computes: so a part of it runs beside each scan. Beside those of forward, weights are updated, in the order in which
 * they lie, which is that in which forward uses them; beside those of backward, which are longer, their moments, from
 * the last to the first, before backward overwrites the gradients. What is used before its turn is done for its user on
 * the spot.
 */
final class DeferredUpdate {
    /** Elements done on the spot at the least, so that a layer's weights are not many small launches. */
    private static final long LEAST_ON_THE_SPOT = 1 << 20;

    /** Elements in multiples of which parts are cut. */
    static final int MULTIPLE = 1024;

    /** Parts beside scans; what is left after them is done on the spot. */
    static final int MOST_PARTS = 1024;

    /**
     * Of the elements that a scan has time for, those whose moments are written as well: 30 bytes each instead of 22.
     */
    private static final double SHARE_OF_WHOLE = 22.0 / 30;

    private final Runnable synchronize;
    private Pass pass;
    private Buffers buffers = new Buffers(List.of(), List.of(), List.of());
    private long size;
    /** Elements below it have been given their update; of these, some lack their moments. */
    private long updated;

    private final OwedMoments owed = new OwedMoments();
    private int parts;
    private long needed;
    private long neededBefore;

    /** What is written for an element. */
    enum Part {
        WHOLE,
        WEIGHTS,
        MOMENTS
    }

    /**
     * The flat buffers of an update.
     *
     * @param weights each part may be used as soon as it is updated
     * @param moments may be used when all is done
     * @param gradients each part may be overwritten when its moments are updated
     */
    record Buffers(List<Tensor> weights, List<Tensor> moments, List<Tensor> gradients) {}

    /** Launches the update of elements {@code from} to {@code to}, which are multiples of {@link #MULTIPLE}. */
    interface Pass {
        /** On the whole card. */
        void alone(Part part, long from, long to);

        /**
         * Beside the scan launched last.
         *
         * @param number counted from 0 in each update
         */
        void besideLast(Part part, int number, long from, long to);
    }

    /** @param synchronize waits until the device has done what it was given */
    DeferredUpdate(Runnable synchronize) {
        this.synchronize = synchronize;
    }

    /**
     * Takes on an update; the one before must be finished.
     *
     * @param size elements
     */
    void begin(Pass pass, Buffers buffers, long size) {
        this.pass = pass;
        this.buffers = buffers;
        this.size = size;
        updated = 0;
        parts = 0;
        needed = 0;
        neededBefore = 0;
        owed.begin(size);
    }

    /**
     * After the launch of a scan of forward: runs a part of the update beside it, at least what the next layer will
     * need if it is like this one.
     *
     * @param elements how many weights the scan has time for
     */
    void besideForward(long elements) {
        if (updated == size || parts == MOST_PARTS) {
            return;
        }
        long nextLayer = neededBefore == 0 ? 0 : 2 * needed - neededBefore;
        neededBefore = needed;
        boolean isWhole = updated >= owed.wholeFrom();
        long share = isWhole ? (long) (SHARE_OF_WHOLE * elements) : elements;
        long to = Math.min(isWhole ? size : owed.wholeFrom(), roundUp(Math.max(updated + share, nextLayer)));
        pass.besideLast(isWhole ? Part.WHOLE : Part.WEIGHTS, parts++, updated, to);
        if (!isWhole) {
            owed.add(updated, to);
        }
        updated = to;
    }

    /**
     * After the launch of a scan of backward: writes moments beside it.
     *
     * @param elements how many moments the scan has time for
     */
    void besideBackward(long elements) {
        if (parts < MOST_PARTS) {
            owed.takeBeside(elements)
                    .ifPresent(range -> pass.besideLast(Part.MOMENTS, parts++, range.from(), range.to()));
        }
    }

    /** Before a tensor is read or written. */
    void await(Tensor tensor) {
        if (updated == size && owed.isOver()) {
            return;
        }
        var storage = tensor.storage();
        if (isAmong(buffers.moments, storage)) {
            finish();
        } else if (tensor.offset() < size) {
            if (isAmong(buffers.weights, storage)) {
                updateWeights(Math.min(tensor.end(), size));
            } else if (isAmong(buffers.gradients, storage)) {
                owed.overwrite(tensor.offset());
                updateWeights(size);
                updateMoments(tensor.offset());
            }
        }
    }

    /** Does all that is left. */
    void finish() {
        updateWeights(size);
        updateMoments(0);
    }

    private void updateWeights(long end) {
        needed = Math.max(needed, end);
        if (updated < end) {
            long to = Math.min(size, Math.max(roundUp(end), updated + LEAST_ON_THE_SPOT));
            pass.alone(Part.WHOLE, updated, to);
            updated = to;
        }
    }

    private void updateMoments(long start) {
        owed.takeFrom(start, LEAST_ON_THE_SPOT, range -> pass.alone(Part.MOMENTS, range.from(), range.to()));
    }

    /** Before a memory is given back. */
    void leave(Storage storage) {
        if (isAmong(buffers.weights, storage)
                || isAmong(buffers.moments, storage)
                || isAmong(buffers.gradients, storage)) {
            finish();
            synchronize.run();
        }
    }

    private static boolean isAmong(List<Tensor> tensors, Storage storage) {
        for (var tensor : tensors) {
            if (tensor.storage() == storage) {
                return true;
            }
        }
        return false;
    }

    private static long roundUp(long value) {
        return (value + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
    }
}
