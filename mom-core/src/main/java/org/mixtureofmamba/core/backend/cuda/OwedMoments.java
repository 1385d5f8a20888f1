package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Which weights have been given their update and still lack their moments, in the order in which backward asks for
 * them: from the last to the first. What backward overwrites is learned from the layer before, and for its beginning
 * from the step before.
 */
final class OwedMoments {
    private final Deque<Range> owed = new ArrayDeque<>();
    private long size;
    /** No scan of backward has come yet. */
    private boolean isForward;
    /** Gradients from here on are overwritten; {@code overwrittenBefore}: when the last scan of backward came. */
    private long overwritten;

    private long overwrittenBefore;
    /**
     * Gradients from here on are overwritten before the first scan of backward, if this step is like the one before.
     */
    private long wholeFrom;

    private long wholeFromNext;

    /** Elements of the flat buffers. */
    record Range(long from, long to) {}

    /** Begins a step's update of so many elements, when nothing is owed. */
    void begin(long size) {
        if (size != this.size) {
            wholeFromNext = size;
        }
        this.size = size;
        wholeFrom = wholeFromNext;
        isForward = true;
        overwritten = size;
        overwrittenBefore = size;
    }

    /**
     * The first element whose moments should be written with its weight, since no scan of backward comes in time for
     * them.
     */
    long wholeFrom() {
        return wholeFrom;
    }

    /** Notes that a range behind all others lacks its moments. */
    void add(long from, long to) {
        if (from == to) {
            return;
        }
        boolean adjoins = !owed.isEmpty() && owed.getLast().to == from;
        owed.addLast(new Range(adjoins ? owed.removeLast().from : from, to));
    }

    /** Notes that gradients from here on are overwritten; what is owed of them must be taken first. */
    void overwrite(long from) {
        overwritten = Math.min(overwritten, from);
    }

    /** Whether nothing is owed and nothing more is to be learned from what backward overwrites. */
    boolean isOver() {
        return owed.isEmpty() && !isForward;
    }

    /**
     * At a scan of backward: takes what should be written beside it, at least what will be overwritten until the next
     * one if its layer is like this one.
     *
     * @param elements how many moments the scan has time for
     */
    Optional<Range> takeBeside(long elements) {
        if (isForward) {
            isForward = false;
            wholeFromNext = roundDown(overwritten);
        }
        long nextLayer = overwrittenBefore == size ? size : 2 * overwritten - overwrittenBefore;
        overwrittenBefore = overwritten;
        return owed.isEmpty()
                ? Optional.empty()
                : Optional.of(takeLast(Math.min(owed.getLast().to - elements, nextLayer)));
    }

    /**
     * Takes all that is owed at {@code start} and behind.
     *
     * @param least elements to take at a time where so many are owed, so that they are not many small launches
     */
    void takeFrom(long start, long least, Consumer<Range> user) {
        while (!owed.isEmpty() && owed.getLast().to > start) {
            user.accept(takeLast(Math.min(start, owed.getLast().to - least)));
        }
    }

    private Range takeLast(long start) {
        var last = owed.removeLast();
        long from = Math.max(last.from, roundDown(start));
        add(last.from, from);
        return new Range(from, last.to);
    }

    private static long roundDown(long value) {
        return Math.max(0, value) / DeferredUpdate.MULTIPLE * DeferredUpdate.MULTIPLE;
    }
}
