package org.mixtureofmamba.core.backend.cuda;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * How the gradients of a projection's weights [features, in] are computed in one launch: the tiles of each are few and their inner dimension,
 * the tokens of a slab, is long, so it is cut into chunks whose parts are summed afterwards.
 *
 * @param transposed whether the transposed gradient [in, features] is computed, whose tiles waste less
 * @param tileColumns of a tile
 * @param chunk inner steps of a chunk; {@link Integer#MAX_VALUE} where each gradient is written at once
 */
record WeightGradientPlan(boolean transposed, int tileColumns, int chunk) {
    /** Memory of the parts. Where they are larger, writing and summing them costs more than the launches of single products. */
    static final int PARTS_BYTES = 8 << 20;

    private static final List<Integer> TILE_COLUMNS = List.of(64, 128, 256);

    /** Of the card's pairs of blocks, that must be busy throughout where nothing is cut. */
    private static final double BUSY = 0.9;

    /**
     * @param steps of {@link GroupedSlabs#INNER} tokens, of each slab
     * @param pairsOfBlocks that the card runs at a time
     * @return empty where single products do better
     */
    static Optional<WeightGradientPlan> of(int features, int in, int[] steps, int pairsOfBlocks) {
        if (steps.length < 2) {
            return Optional.empty();
        }
        int tiles = tiles(features, in);
        int rounds = Math.ceilDiv(tiles, pairsOfBlocks);
        if (tiles >= BUSY * rounds * pairsOfBlocks) {
            return Optional.of(new WeightGradientPlan(false, narrowest(in), Integer.MAX_VALUE));
        }
        boolean transposed = area(in, features) < area(features, in);
        int rows = transposed ? in : features;
        int columns = transposed ? features : in;
        // Half as many parts as the card has room for: more of them cost more to sum than they save.
        int chunk = Math.ceilDiv(2 * tiles(rows, columns) * IntStream.of(steps).sum(), pairsOfBlocks);
        var plan = new WeightGradientPlan(transposed, narrowest(columns), chunk);
        long bytes = IntStream.of(steps).mapToLong(of -> plan.partsBytes(rows, columns, of)).sum();
        return bytes <= PARTS_BYTES ? Optional.of(plan) : Optional.empty();
    }

    boolean isCut() {
        return chunk != Integer.MAX_VALUE;
    }

    private long partsBytes(int rows, int columns, int steps) {
        return (long) Math.ceilDiv(steps, chunk) * rowsOfChunk(rows) * columns * Float.BYTES;
    }

    /** Rows that a chunk's part takes. */
    static int rowsOfChunk(int rows) {
        return Math.ceilDiv(rows, GroupedSlabs.PAIR_ROWS) * GroupedSlabs.PAIR_ROWS;
    }

    private static int tiles(int rows, int columns) {
        return Math.ceilDiv(rows, GroupedSlabs.PAIR_ROWS) * Math.ceilDiv(columns, narrowest(columns));
    }

    private static long area(int rows, int columns) {
        return (long) tiles(rows, columns) * GroupedSlabs.PAIR_ROWS * narrowest(columns);
    }

    private static int narrowest(int columns) {
        return TILE_COLUMNS.stream().filter(width -> columns <= width).findFirst().orElse(TILE_COLUMNS.getLast());
    }
}
