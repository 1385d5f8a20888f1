package org.mixtureofmamba.core.backend.cuda;

import java.util.List;

import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The optimizer's pass over the large weights, put off into the next forward. It only moves memory, and a scan only computes: so a part of it
 * runs beside each scan. What the user of a weight finds undone is done for it on the spot. Weights are updated in the order in which they
 * lie, which is that in which forward uses them.
 */
final class DeferredUpdate {
    /** Elements done on the spot at the least, so that a layer's weights are not many small launches. */
    private static final long LEAST_ON_THE_SPOT = 1 << 20;

    /** Elements in multiples of which parts are cut. */
    static final long MULTIPLE = 1024;

    /** Parts beside scans; what is left after them is done on the spot. */
    static final int MOST_PARTS = 1024;

    private final Runnable synchronize;
    private Pass pass;
    private List<Tensor> weights = List.of();
    private List<Tensor> state = List.of();
    private long size;
    private long given;
    private int parts;
    private long needed;
    private long neededBefore;

    /** Launches the update of elements {@code from} to {@code to}, which are multiples of {@link #MULTIPLE}. */
    interface Pass {
        /** On the whole card. */
        void alone(long from, long to);

        /**
         * Beside the scan launched last.
         *
         * @param part counted from 0 in each update
         */
        void besideLast(int part, long from, long to);
    }

    /** @param synchronize waits until the device has done what it was given */
    DeferredUpdate(Runnable synchronize) {
        this.synchronize = synchronize;
    }

    /**
     * Takes on an update; the one before must be finished.
     *
     * @param weights flat buffers, each part of which may be used as soon as it is updated
     * @param state flat buffers that may be used when all is done
     * @param size elements
     */
    void begin(Pass pass, List<Tensor> weights, List<Tensor> state, long size) {
        this.pass = pass;
        this.weights = weights;
        this.state = state;
        this.size = size;
        given = 0;
        parts = 0;
        needed = 0;
        neededBefore = 0;
    }

    /**
     * After the launch of a scan: runs a part of the update beside it, at least what the next layer will need if it is like this one.
     *
     * @param elements how many the scan has time for
     */
    void besideScan(long elements) {
        if (given == size || parts == MOST_PARTS) {
            return;
        }
        long nextLayer = neededBefore == 0 ? 0 : 2 * needed - neededBefore;
        neededBefore = needed;
        long to = Math.min(size, roundUp(Math.max(given + elements, nextLayer), MULTIPLE));
        pass.besideLast(parts++, given, to);
        given = to;
    }

    /** Before a tensor is read or written. */
    void await(Tensor tensor) {
        if (given == size) {
            return;
        }
        if (isAmong(state, tensor.storage())) {
            finish();
        } else if (tensor.offset() < size && isAmong(weights, tensor.storage())) {
            long end = tensor.offset() + Math.max(0, tensor.rows() - 1) * tensor.rowStride() + tensor.shape().rowLength();
            await(Math.min(end, size));
        }
    }

    /** Does all that is left. */
    void finish() {
        await(size);
    }

    private void await(long end) {
        needed = Math.max(needed, end);
        if (given < end) {
            long to = Math.min(size, Math.max(roundUp(end, MULTIPLE), given + LEAST_ON_THE_SPOT));
            pass.alone(given, to);
            given = to;
        }
    }

    /** Before a memory is given back. */
    void leave(Storage storage) {
        if (isAmong(weights, storage) || isAmong(state, storage)) {
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

    private static long roundUp(long value, long multiple) {
        return (value + multiple - 1) / multiple * multiple;
    }
}
