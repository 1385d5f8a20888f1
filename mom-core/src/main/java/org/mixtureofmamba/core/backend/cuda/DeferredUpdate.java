package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The optimizer's pass over the large weights, put off into the next forward. It only moves memory, and a scan only computes: so a part of it
 * runs beside each scan, on a stream of its own. What the user of a weight finds undone is done for it on the spot. Weights are updated in the
 * order in which they lie, which is that in which forward uses them.
 */
final class DeferredUpdate implements AutoCloseable {
    /** Elements done on the spot at the least, so that a layer's weights are not many small launches. */
    private static final long LEAST_ON_THE_SPOT = 1 << 20;

    /** Elements in multiples of which parts are cut. */
    static final long MULTIPLE = 128;

    private final CudaStream working;
    private final CudaStream beside = new CudaStream("the optimizer");
    private final CudaEvent forked = new CudaEvent(CudaEvent.Timing.NONE);
    private final List<Part> parts = new ArrayList<>();
    private Pass pass;
    private List<Tensor> weights = List.of();
    private List<Tensor> state = List.of();
    private long size;
    private long given;
    private int partsGiven;
    private int partsAwaited;

    /** Launches the update of elements {@code from} to {@code to}, which are multiples of {@link #MULTIPLE}. */
    interface Pass {
        /** In the working stream, on the whole card. */
        void alone(long from, long to);

        /** In another stream, where a scan leaves room. */
        void beside(long from, long to, CudaStream stream);
    }

    /** What runs beside a scan: its first element, and the mark behind it. */
    private static final class Part {
        private final CudaEvent done = new CudaEvent(CudaEvent.Timing.NONE);
        private long from;
    }

    DeferredUpdate(CudaStream working) {
        this.working = working;
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
        partsGiven = 0;
        partsAwaited = 0;
    }

    /**
     * Runs a scan, and beside it a part of the update.
     *
     * @param launch of the scan, in the working stream
     * @param elements how many the scan has time for
     */
    void besideScan(Runnable launch, long elements) {
        if (given == size) {
            launch.run();
            return;
        }
        forked.record(working);
        launch.run();
        beside.await(forked);
        if (parts.size() == partsGiven) {
            parts.add(new Part());
        }
        var part = parts.get(partsGiven++);
        part.from = given;
        long to = Math.min(size, given + roundUp(elements, MULTIPLE));
        pass.beside(given, to, beside);
        part.done.record(beside);
        given = to;
    }

    /** Before a tensor is read or written. */
    void await(Tensor tensor) {
        if (given == size && partsAwaited == partsGiven) {
            return;
        }
        if (isAmong(state, tensor.storage())) {
            finish();
        } else if (tensor.offset() < size && isAmong(weights, tensor.storage())) {
            long end = tensor.offset() + Math.max(0, tensor.rows() - 1) * tensor.rowStride() + tensor.shape().rowLength();
            await(Math.min(end, size));
        }
    }

    /** Gives all that is left to the working stream and makes it wait for the rest. */
    void finish() {
        await(size);
    }

    private void await(long end) {
        while (partsAwaited < partsGiven && parts.get(partsAwaited).from < end) {
            working.await(parts.get(partsAwaited++).done);
        }
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
            working.synchronize();
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

    @Override
    public void close() {
        beside.synchronize();
        beside.close();
        forked.close();
        parts.forEach(part -> part.done.close());
    }
}
