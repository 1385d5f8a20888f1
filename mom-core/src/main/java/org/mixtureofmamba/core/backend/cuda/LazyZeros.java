package org.mixtureofmamba.core.backend.cuda;

import java.util.IdentityHashMap;
import java.util.Map;

import org.bytedeco.cuda.global.cudart;
import org.mixtureofmamba.core.backend.cuda.ZeroRanges.Range;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Zeros of large buffers, written when they are needed. Everything that reads or writes a tensor on the card says so
 * first, by {@link #settle}, or by {@link #take} where it can do without the zeros; both also see that an update of the
 * tensor is done.
 */
final class LazyZeros {
    /** Below this, writing zeros costs less than remembering them. */
    static final long LEAST_BYTES = 32 << 20;

    private final CudaStream stream;
    private final DeferredUpdate update;
    private final WrittenGradients gradients;
    private final Map<Storage, ZeroRanges> pending = new IdentityHashMap<>();

    LazyZeros(CudaStream stream, DeferredUpdate update, WrittenGradients gradients) {
        this.stream = stream;
        this.update = update;
        this.gradients = gradients;
    }

    /** Takes on the filling of a tensor with zeros, if it is a large buffer of its own, as those of gradients are. */
    boolean accept(Tensor tensor) {
        long bytes = tensor.size() * tensor.dtype().byteSize();
        if (tensor.dtype() != DType.FLOAT32
                || bytes < LEAST_BYTES
                || bytes != tensor.storage().byteSize()) {
            return false;
        }
        gradients.begin(tensor.storage());
        pending.computeIfAbsent(tensor.storage(), absent -> new ZeroRanges()).add(new Range(0, bytes));
        return true;
    }

    /** Whether the tensor's zeros are unwritten; then the caller must overwrite it whole. */
    boolean take(Tensor tensor) {
        update.await(tensor);
        gradients.write(tensor);
        if (pending.isEmpty() || !tensor.isContiguous()) {
            return false;
        }
        var ranges = pending.get(tensor.storage());
        return ranges != null && ranges.take(rangeOf(tensor));
    }

    /** Writes what zeros the tensor still lacks. */
    void settle(Tensor tensor) {
        update.await(tensor);
        gradients.use(tensor);
        if (pending.isEmpty()) {
            return;
        }
        var ranges = pending.get(tensor.storage());
        if (ranges == null) {
            return;
        }
        var storage = (Storage.Device) tensor.storage();
        for (var range : ranges.settle(rangeOf(tensor))) {
            CudaErrors.check(
                    cudart.cuMemsetD8Async(
                            storage.address() + range.from(), (byte) 0, range.to() - range.from(), stream.handle),
                    "cuMemsetD8Async",
                    "filling a tensor");
        }
        if (ranges.isEmpty()) {
            pending.remove(storage);
        }
    }

    /** Before a memory is given back. */
    void forget(Storage storage) {
        update.leave(storage);
        gradients.leave(storage);
        pending.remove(storage);
    }

    private static Range rangeOf(Tensor tensor) {
        int element = tensor.dtype().byteSize();
        return new Range(tensor.offset() * element, tensor.end() * element);
    }
}
