package org.mixtureofmamba.core.backend;

import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The memory of one step, taken and given back like a stack: activations are taken as forward goes, and everything
 * taken after a {@link #mark} goes back at its {@link #release}. It grows in pieces while the need is unknown and joins
 * them into one when it is empty, so from the second step on nothing is allocated. Contents are undefined until
 * written.
 */
public final class Workspace implements AutoCloseable {
    private static final long ALIGNMENT = 256;
    private static final long SMALLEST_PIECE = 1 << 20;

    private final Memory memory;
    private final List<Storage> pieces = new ArrayList<>();
    private int piece = -1;
    /** Bytes of the current piece that are taken, and of all pieces without the gaps at their ends. */
    private long used;

    private long taken;
    private long peak;

    public Workspace(Memory memory) {
        this.memory = memory;
    }

    /** A place in the stack. */
    public record Mark(int piece, long used, long taken) {}

    public Mark mark() {
        return new Mark(piece, used, taken);
    }

    /** Gives back all that was taken since {@code mark}. */
    public void release(Mark mark) {
        piece = mark.piece;
        used = mark.used;
        taken = mark.taken;
        if (taken == 0 && pieces.size() > 1) {
            close();
            addPiece(peak);
        }
    }

    /** An uninitialised contiguous tensor. */
    public Tensor tensor(DType dtype, long... extents) {
        var shape = Shape.of(extents);
        long bytes = roundUp(Math.max(1, shape.size()) * dtype.byteSize());
        while (piece < 0 || used + bytes > pieces.get(piece).byteSize()) {
            if (piece + 1 == pieces.size()) {
                addPiece(Math.max(bytes, Math.max(SMALLEST_PIECE, byteSize() / 4)));
            }
            piece++;
            used = 0;
        }
        var tensor = new Tensor(dtype, shape, pieces.get(piece), used / dtype.byteSize(), shape.columns());
        used += bytes;
        taken += bytes;
        peak = Math.max(peak, taken);
        return tensor;
    }

    /** The most bytes that were ever taken at once. */
    public long peakBytes() {
        return peak;
    }

    /** The bytes held. */
    public long byteSize() {
        return pieces.stream().mapToLong(Storage::byteSize).sum();
    }

    private void addPiece(long bytes) {
        pieces.add(memory.allocate(roundUp(bytes), "activations"));
    }

    private static long roundUp(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    @Override
    public void close() {
        pieces.forEach(memory::free);
        pieces.clear();
        piece = -1;
        used = 0;
        taken = 0;
    }
}
