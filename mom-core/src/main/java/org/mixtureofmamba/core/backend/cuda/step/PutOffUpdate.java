package org.mixtureofmamba.core.backend.cuda.step;

import java.util.List;

import org.mixtureofmamba.core.backend.StepSchedule.Span;
import org.mixtureofmamba.core.backend.cuda.step.UpdatePass.Written;

/**
 * The optimizer's pass over the weights that decay, put off into the next step. It only moves memory, and a scan only
 * computes: so a part of it runs beside each scan. Beside those of forward, weights are updated, in the order in which
 * forward needs them; beside those of backward, which are longer, their moments, from the last to the first, before
 * backward overwrites the gradients from which they follow. What is needed before its turn is done on the spot.
 */
final class PutOffUpdate {
    /** Of the elements that a scan has time for, those whose moments are written as well: 30 bytes each, not 22. */
    private static final double SHARE_OF_WHOLE = 22.0 / 30;

    private final UpdatePass pass;
    private final List<Span> parts;
    private final long size;
    private final OwedMoments owed = new OwedMoments();

    /** Elements below it have been given their update; of these, some lack their moments. */
    private long updated;
    /** The part whose weights were needed last, and that whose gradients were overwritten last. */
    private int needed;

    private int overwritten;
    private int beside;
    /** Whether no scan of backward has come since the step began. */
    private boolean isForward;
    /** Weights from here on are written with their moments, since no scan of backward comes in time for these. */
    private long wholeFrom;

    private long wholeFromNext;

    /**
     * @param parts in the order of forward, which is that in which they lie
     * @param size elements, a multiple of {@link UpdatePass#MULTIPLE}
     */
    PutOffUpdate(UpdatePass pass, List<Span> parts, long size) {
        this.pass = pass;
        this.parts = parts;
        this.size = size;
        this.updated = size;
        this.wholeFromNext = size;
    }

    /** Takes on an update; the one before must be finished. */
    void begin() {
        updated = 0;
        needed = 0;
        overwritten = parts.size();
        beside = 0;
        isForward = true;
        wholeFrom = wholeFromNext;
    }

    void weightsNeeded(Span weights) {
        needed = Math.max(0, parts.indexOf(weights));
        updateWeights(weights.to());
    }

    void gradientsOverwritten(Span gradients) {
        overwritten = Math.max(0, parts.indexOf(gradients));
        updateWeights(gradients.to());
        for (var range : owed.take(down(gradients.from()), up(gradients.to()))) {
            pass.alone(Written.MOMENTS, range.from(), range.to());
        }
    }

    /**
     * After the launch of a scan of forward: runs a part of the update beside it, at least what the next part needs.
     *
     * @param elements how many weights the scan has time for
     */
    void besideForward(long elements) {
        if (updated == size || beside == UpdatePass.MOST_BESIDE) {
            return;
        }
        boolean isWhole = updated >= wholeFrom;
        long share = isWhole ? (long) (SHARE_OF_WHOLE * elements) : elements;
        long next = needed + 1 < parts.size() ? parts.get(needed + 1).to() : 0;
        long to = Math.min(isWhole ? size : wholeFrom, up(Math.max(updated + share, next)));
        pass.besideLast(isWhole ? Written.WHOLE : Written.WEIGHTS, beside++, updated, to);
        if (!isWhole) {
            owed.add(updated, to);
        }
        updated = to;
    }

    /**
     * After the launch of a scan of backward: writes moments beside it, at least those of the part whose gradients are
     * overwritten next.
     *
     * @param elements how many moments the scan has time for
     */
    void besideBackward(long elements) {
        if (isForward) {
            isForward = false;
            wholeFromNext =
                    overwritten < parts.size() ? down(parts.get(overwritten).from()) : size;
        }
        if (owed.isEmpty() || beside == UpdatePass.MOST_BESIDE) {
            return;
        }
        long next = overwritten > 0 && overwritten < parts.size()
                ? parts.get(overwritten - 1).from()
                : size;
        long start = down(Math.min(owed.end() - elements, next));
        if (start < owed.end()) {
            var range = owed.takeLast(start);
            pass.besideLast(Written.MOMENTS, beside++, range.from(), range.to());
        }
    }

    /** Does all that is left. */
    void finish() {
        updateWeights(size);
        for (var range : owed.take(0, size)) {
            pass.alone(Written.MOMENTS, range.from(), range.to());
        }
    }

    private void updateWeights(long end) {
        long to = Math.min(size, up(end));
        if (updated < to) {
            pass.alone(Written.WHOLE, updated, to);
            updated = to;
        }
    }

    private static long up(long element) {
        return (element + UpdatePass.MULTIPLE - 1) / UpdatePass.MULTIPLE * UpdatePass.MULTIPLE;
    }

    private static long down(long element) {
        return Math.max(0, element) / UpdatePass.MULTIPLE * UpdatePass.MULTIPLE;
    }
}
