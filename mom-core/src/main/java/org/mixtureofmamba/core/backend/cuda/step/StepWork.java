package org.mixtureofmamba.core.backend.cuda.step;

import java.util.Optional;

/** What may run beside the scans of the step under way: a model's part that says so by the events of its step. */
public final class StepWork {
    private Optional<AdamWUpdates> current = Optional.empty();

    void begin(AdamWUpdates updates) {
        if (current.isEmpty() || current.get() != updates) {
            current = Optional.of(updates);
        }
    }

    void end(AdamWUpdates updates) {
        current = current.filter(one -> one != updates);
    }

    /**
     * After the launch of a scan of forward.
     *
     * @param elements how many weights the scan has time for
     */
    public void besideForward(long elements) {
        current.ifPresent(updates -> updates.besideForward(elements));
    }

    /**
     * After the launch of a scan of backward.
     *
     * @param elements how many moments the scan has time for
     */
    public void besideBackward(long elements) {
        current.ifPresent(updates -> updates.besideBackward(elements));
    }
}
