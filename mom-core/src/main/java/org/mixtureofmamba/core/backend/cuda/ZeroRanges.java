package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The parts of a memory that count as zero but are not written yet. Gradients are zeroed before each step, and most of
 * them are then written whole by one matrix product: a product that may overwrite instead of adding spares the zeros
 * and their reading.
 */
final class ZeroRanges {
    /**
     * Bytes: zeros around a small tensor are written with it, so that many small tensors side by side are one write.
     */
    private static final long WINDOW = 4 << 20;

    /** Bytes {@code from} (inclusive) to {@code to} (exclusive). */
    record Range(long from, long to) {}

    private final TreeMap<Long, Long> endOf = new TreeMap<>();

    /** All of them count as zero, whatever they hold. */
    void add(Range range) {
        cut(range);
        endOf.put(range.from(), range.to());
    }

    /** Whether all of a range counts as zero and is unwritten; if so, the caller must write it whole. */
    boolean take(Range range) {
        var around = endOf.floorEntry(range.from());
        if (around == null || around.getValue() < range.to()) {
            return false;
        }
        cut(range);
        return true;
    }

    /** What the caller must fill with zeros before a range is used otherwise: nothing, mostly. */
    List<Range> settle(Range range) {
        var wide = new Range(range.from() / WINDOW * WINDOW, (range.to() + WINDOW - 1) / WINDOW * WINDOW);
        return overlaps(range).isEmpty() ? List.of() : cut(wide);
    }

    boolean isEmpty() {
        return endOf.isEmpty();
    }

    private List<Range> overlaps(Range range) {
        var found = new ArrayList<Range>();
        var first = endOf.floorKey(range.from());
        for (var entry :
                endOf.tailMap(first == null ? range.from() : first, true).entrySet()) {
            if (entry.getKey() >= range.to()) {
                break;
            }
            if (entry.getValue() > range.from()) {
                found.add(new Range(entry.getKey(), entry.getValue()));
            }
        }
        return found;
    }

    /** Removes a range and returns those parts of it that were here. */
    private List<Range> cut(Range range) {
        var removed = new ArrayList<Range>();
        for (var one : overlaps(range)) {
            endOf.remove(one.from());
            if (one.from() < range.from()) {
                endOf.put(one.from(), range.from());
            }
            if (one.to() > range.to()) {
                endOf.put(range.to(), one.to());
            }
            removed.add(new Range(Math.max(one.from(), range.from()), Math.min(one.to(), range.to())));
        }
        return removed;
    }
}
