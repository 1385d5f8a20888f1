package org.mixtureofmamba.core.backend.cuda;

import java.util.Optional;

import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Which gradients of a flat buffer backward has written, from the last to the first, and of which of these the squares
 * are summed already. A gradient that is used once more after that makes all sums void.
 */
final class WrittenGradients {
    /** Sums that are kept. */
    static final int MOST_PARTS = 256;

    /** Elements below which a sum is not worth a launch. */
    private static final long LEAST = 1 << 18;

    private Optional<Storage> buffer = Optional.empty();
    /** Elements {@code written} to {@code top} are written, {@code summed} to {@code top} summed. */
    private long top;

    private long written;
    private long summed;
    private int parts;

    /**
     * Sums of squares.
     *
     * @param from the first element of which they are
     * @param to the last of them, excluded
     * @param parts how many, counted from 0
     */
    record Sums(long from, long to, int parts) {}

    /** When a buffer of gradients is filled with zeros. */
    void begin(Storage gradients) {
        buffer = Optional.of(gradients);
        forgetSums();
    }

    /** Before a product writes a tensor. */
    void write(Tensor tensor) {
        if (!isIn(tensor)) {
            return;
        }
        voidSumsOf(tensor);
        if (top == 0) {
            top = tensor.end();
            summed = top;
            written = top;
        }
        written = Math.min(written, tensor.offset());
    }

    /** Before a tensor is used in another way. */
    void use(Tensor tensor) {
        if (isIn(tensor)) {
            voidSumsOf(tensor);
        }
    }

    private void voidSumsOf(Tensor tensor) {
        if (tensor.end() > summed && tensor.offset() < top && parts > 0) {
            forgetSums();
        }
    }

    private void forgetSums() {
        top = 0;
        written = 0;
        summed = 0;
        parts = 0;
    }

    /** What is written and not summed, if it is worth a launch. */
    Optional<Tensor> unsummed() {
        long size = summed - written;
        return parts == MOST_PARTS || size < LEAST
                ? Optional.empty()
                : buffer.map(storage -> new Tensor(DType.FLOAT32, Shape.of(size), storage, written, size));
    }

    /** Notes that {@link #unsummed} is summed from now on, and returns the number of that sum. */
    int sum() {
        summed = written;
        return parts++;
    }

    /** Gives up what is known of a buffer, if it is asked for as a whole. */
    Optional<Sums> sums(Tensor values) {
        boolean isWhole = isIn(values)
                && values.size() * values.dtype().byteSize() == values.storage().byteSize();
        if (!isWhole || parts == 0) {
            return Optional.empty();
        }
        var sums = new Sums(summed, top, parts);
        forgetSums();
        return Optional.of(sums);
    }

    /** Before a memory is given back. */
    void leave(Storage storage) {
        if (buffer.filter(own -> own == storage).isPresent()) {
            buffer = Optional.empty();
        }
    }

    private boolean isIn(Tensor tensor) {
        return buffer.isPresent() && buffer.get() == tensor.storage();
    }
}
