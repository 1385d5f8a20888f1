package org.mixtureofmamba.core.backend.cuda.op;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.TensorMaps;
import org.mixtureofmamba.core.tensor.Tensor;

/** {@code struct Slabs} of grouped_product.cu: the products of one launch. Used again for each launch. */
public final class GroupedSlabs implements AutoCloseable {
    public static final int MOST = 4;

    /** Rows of a tile of two blocks. */
    public static final int PAIR_ROWS = 256;

    /** Inner steps of a tile. */
    public static final int INNER = 64;

    private static final int PIECE_ROWS = 64;

    // struct Slab
    private static final int FACTOR_B = TensorMaps.BYTES;
    private static final int ADDEND_C = 2 * TensorMaps.BYTES;
    private static final int RESULT_D = 3 * TensorMaps.BYTES;
    private static final int NUMBERS = 4 * TensorMaps.BYTES;
    private static final int SLAB_BYTES = NUMBERS + 64;
    // struct Slabs
    private static final int COUNT = MOST * SLAB_BYTES;
    private static final int BYTES = COUNT + 64;

    private final TensorMaps maps = new TensorMaps();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment slabs = arena.allocate(BYTES, 64);
    private int count;
    private int pairs;

    /** A factor, and how many of its rows a tile of 64 columns has. */
    public record Factor(Tensor matrix, int tileRows) {}

    /**
     * How the inner dimension is cut.
     *
     * @param length steps of a chunk
     * @param rows of a chunk in d
     */
    public record Chunks(int length, int rows) {
        static Chunks one(int steps) {
            return new Chunks(steps, 0);
        }
    }

    public void clear() {
        count = 0;
        pairs = 0;
    }

    /**
     * Adds d = a b + c, or where c is d itself and the kernel adds nothing, d = a b.
     *
     * @param rows of a product
     * @param tileColumns of a tile of d
     * @param steps tiles of the inner dimension
     * @param adds whether a float32 result is added to d
     */
    public void add(
            Factor a, Factor b, Tensor c, Tensor d, int rows, int tileColumns, int steps, Chunks chunks, boolean adds) {
        var slab = slabs.asSlice((long) count * SLAB_BYTES, SLAB_BYTES);
        maps.describe(slab, a.matrix, a.tileRows);
        maps.describe(slab.asSlice(FACTOR_B), b.matrix, b.tileRows);
        maps.describe(slab.asSlice(ADDEND_C), c, PIECE_ROWS);
        maps.describe(slab.asSlice(RESULT_D), d, PIECE_ROWS);
        int down = Math.ceilDiv(rows, PAIR_ROWS);
        int across = Math.ceilDiv(d.columns(), tileColumns);
        int parts = Math.ceilDiv(steps, chunks.length);
        int[] numbers = {down, across, steps, chunks.length, parts, chunks.rows, adds ? 1 : 0};
        MemorySegment.copy(numbers, 0, slab, ValueLayout.JAVA_INT, NUMBERS, numbers.length);
        pairs += down * across * parts;
        slabs.set(ValueLayout.JAVA_INT, COUNT, ++count);
    }

    /** Launches with as many blocks as there are tiles for, at most {@code pairsOfBlocks} pairs. */
    public void launch(Kernel kernel, int pairsOfBlocks) {
        kernel.grid(2 * Math.min(pairs, pairsOfBlocks)).with(slabs).launchOverlapping();
    }

    @Override
    public void close() {
        maps.close();
        arena.close();
    }
}
