package org.mixtureofmamba.core.backend.cuda.step;

import java.util.Optional;

import org.mixtureofmamba.core.backend.StepSchedule.Span;

/**
 * Which gradients of a step are final, from the last to the first, and of which of these the squares are summed
 * already.
 */
final class FinalGradients {
    /** Sums that are kept. */
    static final int MOST_SUMS = 256;

    /** Elements below which a sum is not worth a launch. */
    private static final long LEAST = 1 << 18;

    /** Elements {@code from} to {@code top} are final, {@code summed} to {@code top} summed. */
    private long top;

    private long from;
    private long summed;
    private int sums;

    /** Forgets all sums: a step begins. */
    void begin() {
        top = 0;
        from = 0;
        summed = 0;
        sums = 0;
    }

    /** Notes a part that is final; one that does not adjoin those before it is left to the end of the step. */
    void add(Span part) {
        if (top == 0) {
            top = part.to();
            from = part.to();
            summed = part.to();
        }
        if (part.to() == from) {
            from = part.from();
        }
    }

    /** Whether something known as final is written once more. */
    boolean holds(Span part) {
        return part.to() > from && part.from() < top;
    }

    /** What is final and not summed, if it is worth a launch; it counts as summed from now on. */
    Optional<Span> takeUnsummed() {
        if (sums == MOST_SUMS || summed - from < LEAST) {
            return Optional.empty();
        }
        var unsummed = new Span(from, summed);
        summed = from;
        sums++;
        return Optional.of(unsummed);
    }

    /** How many sums have been taken. */
    int sums() {
        return sums;
    }

    /** What the sums are of. */
    Span summed() {
        return new Span(summed, top);
    }
}
