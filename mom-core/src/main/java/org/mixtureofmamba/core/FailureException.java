package org.mixtureofmamba.core;

import java.io.Serial;

/** The work itself failed: a full disk, a lost device, a loss that is no number. */
public final class FailureException extends MomException {
    @Serial
    private static final long serialVersionUID = 1L;

    public FailureException(String message) {
        this(message, null);
    }

    public FailureException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public int exitCode() {
        return 1;
    }
}
