package org.mixtureofmamba.eval;

import java.util.Optional;

/**
 * A share with its interval.
 *
 * @param value the share, over seeds their mean
 * @param interval absent where a seed never matched, or nothing was measured
 */
public record Estimate(Share value, Optional<Interval> interval) {
    /** {@code 64.5 % (61.2 to 67.9)}. */
    public String text() {
        return value.text() + interval.map(i -> " (" + i.text() + ")").orElse("");
    }
}
