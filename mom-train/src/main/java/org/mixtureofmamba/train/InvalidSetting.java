package org.mixtureofmamba.train;

import java.io.Serial;

/** A value that a section of the run file does not allow; {@link ConfigReader} adds where it stands. */
final class InvalidSetting extends IllegalArgumentException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String key;

    InvalidSetting(String key, String complaint) {
        super(complaint);
        this.key = key;
    }

    static void unless(boolean valid, String key, String complaint) {
        if (!valid) {
            throw new InvalidSetting(key, complaint);
        }
    }

    /** The key inside its section. */
    String key() {
        return key;
    }
}
