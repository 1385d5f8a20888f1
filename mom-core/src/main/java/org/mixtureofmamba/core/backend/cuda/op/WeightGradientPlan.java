package org.mixtureofmamba.core.backend.cuda.op;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * How the gradients of a projection's weights [features, in] are computed in one launch: the tiles of each are few and
 * their inner dimension, the tokens of a slab, is long, so it is cut into chunks whose parts are summed afterwards.
 *
 * @param transposed whether the transposed gradient [in, features] is computed, whose tiles waste less
 * @param tileColumns of a tile
 * @param chunk inner steps of a chunk; {@link Integer#MAX_VALUE} where each gradient is written at once
 */
public record WeightGradientPlan(boolean transposed, int tileColumns, int chunk) {
    /** Memory of the parts: a widest tile for each pair of blocks of a card with 160 multiprocessors. */
    public static final int PARTS_BYTES = 20 << 20;

    private static final List<Integer> TILE_COLUMNS = List.of(64, 128, 256);

    /** Of the card's pairs of blocks, that must be busy throughout where nothing is cut. */
    private static final double BUSY = 0.9;

    /** The same where the inner dimension is cut: single products are no better. */
    private static final double BUSY_WITH_PARTS = 0.75;

    /**
     * @param steps of {@link GroupedSlabs#INNER} tokens, of each slab
     * @param pairsOfBlocks that the card runs at a time
     * @return empty where single products do better
     */
    public static Optional<WeightGradientPlan> of(int features, int in, int[] steps, int pairsOfBlocks) {
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
        int tileColumns = narrowest(columns);
        var chunk = chunk(tiles(rows, columns), tileColumns, steps, pairsOfBlocks);
        if (chunk.isEmpty()) {
            return Optional.empty();
        }
        var plan = new WeightGradientPlan(transposed, tileColumns, chunk.getAsInt());
        long bytes = (long) chunks(steps, plan.chunk) * rowsOfChunk(rows) * columns * Float.BYTES;
        return bytes <= PARTS_BYTES ? Optional.of(plan) : Optional.empty();
    }

    private static OptionalInt chunk(int tiles, int tileColumns, int[] steps, int pairsOfBlocks) {
        int work = tiles * IntStream.of(steps).sum();
        if (tileColumns < TILE_COLUMNS.getLast()) {
            // Narrow products wait for memory, which half of the pairs keep busy: more parts cost more to sum than they
            // save.
            return OptionalInt.of(Math.ceilDiv(2 * work, pairsOfBlocks));
        }
        int longest = (int) (work / (BUSY_WITH_PARTS * pairsOfBlocks));
        for (int chunk = Math.ceilDiv(work, pairsOfBlocks); chunk <= longest; chunk++) {
            if (tiles * chunks(steps, chunk) <= pairsOfBlocks) {
                return OptionalInt.of(chunk);
            }
        }
        return OptionalInt.empty();
    }

    private static int chunks(int[] steps, int chunk) {
        int chunks = 0;
        for (int of : steps) {
            chunks += Math.ceilDiv(of, chunk);
        }
        return chunks;
    }

    public boolean isCut() {
        return chunk != Integer.MAX_VALUE;
    }

    /** Rows that a chunk's part takes. */
    public static int rowsOfChunk(int rows) {
        return Math.ceilDiv(rows, GroupedSlabs.PAIR_ROWS) * GroupedSlabs.PAIR_ROWS;
    }

    private static int tiles(int rows, int columns) {
        return Math.ceilDiv(rows, GroupedSlabs.PAIR_ROWS) * Math.ceilDiv(columns, narrowest(columns));
    }

    private static long area(int rows, int columns) {
        return (long) tiles(rows, columns) * GroupedSlabs.PAIR_ROWS * narrowest(columns);
    }

    private static int narrowest(int columns) {
        return TILE_COLUMNS.stream()
                .filter(width -> columns <= width)
                .findFirst()
                .orElse(TILE_COLUMNS.getLast());
    }
}
