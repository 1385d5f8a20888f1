package org.mixtureofmamba.core;

import java.io.Serial;

/**
 * What this project throws when something outside its code is wrong; the message is one line that names the thing and
 * the remedy.
 */
public abstract sealed class MomException extends RuntimeException permits UserException, FailureException {
    @Serial
    private static final long serialVersionUID = 1L;

    MomException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The exit status of a command that ends with this. */
    public abstract int exitCode();
}
