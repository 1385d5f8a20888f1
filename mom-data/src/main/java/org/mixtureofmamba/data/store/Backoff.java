package org.mixtureofmamba.data.store;

import org.mixtureofmamba.core.FailureException;

/** How long to wait before one more attempt: not at all before the second, then ever longer. */
final class Backoff {
    private static final long UNIT_MILLIS = 50;
    private static final int MOST_DOUBLINGS = 7;

    private Backoff() {}

    /**
     * Waits after an attempt.
     *
     * @param attempt that failed, from 1
     */
    static void pause(int attempt) {
        if (attempt == 1) {
            return;
        }
        try {
            Thread.sleep(UNIT_MILLIS << Math.min(attempt - 1, MOST_DOUBLINGS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException("interrupted while waiting for the network", e);
        }
    }
}
