package org.mixtureofmamba.core.backend.cuda.step;

import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.backend.StepSchedule.Span;

/** Which weights have been given their update and still lack their moments: ranges of elements, ascending. */
final class OwedMoments {
    private final List<Span> owed = new ArrayList<>();

    boolean isEmpty() {
        return owed.isEmpty();
    }

    /** The element after the last. */
    long end() {
        return owed.getLast().to();
    }

    /** Notes that a range behind all others lacks its moments. */
    void add(long from, long to) {
        if (from == to) {
            return;
        }
        boolean adjoins = !owed.isEmpty() && owed.getLast().to() == from;
        owed.add(new Span(adjoins ? owed.removeLast().from() : from, to));
    }

    /** Takes what the last range holds from {@code start} on. */
    Span takeLast(long start) {
        var last = owed.getLast();
        return take(Math.max(start, last.from()), last.to()).getFirst();
    }

    /** Takes all that is owed between two elements. */
    List<Span> take(long from, long to) {
        var taken = new ArrayList<Span>();
        var left = new ArrayList<Span>();
        for (var range : owed) {
            long begin = Math.max(from, range.from());
            long end = Math.min(to, range.to());
            if (begin >= end) {
                left.add(range);
                continue;
            }
            taken.add(new Span(begin, end));
            if (range.from() < begin) {
                left.add(new Span(range.from(), begin));
            }
            if (end < range.to()) {
                left.add(new Span(end, range.to()));
            }
        }
        owed.clear();
        owed.addAll(left);
        return taken;
    }
}
