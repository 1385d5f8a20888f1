package org.mixtureofmamba.core;

import java.io.Serial;

/** Bad usage, bad configuration or an input that is not what it was said to be: the user can mend it. */
public final class UserException extends MomException {
    @Serial
    private static final long serialVersionUID = 1L;

    public UserException(String message) {
        this(message, null);
    }

    public UserException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public int exitCode() {
        return 2;
    }
}
