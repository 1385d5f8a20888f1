package org.mixtureofmamba.eval;

import java.util.Optional;

/**
 * A share with its interval and what it is checked by.
 *
 * @param value the share, over seeds their geometric mean
 * @param interval absent where a seed never matched within sight, or nothing was measured
 * @param check one seed: the median of the redrawn shares; several: the share of the curves averaged over seeds
 * @param checkInterval several seeds: the jackknife's interval of {@code check}
 */
public record Estimate(
        Share value, Optional<Interval> interval, Optional<Share> check, Optional<Interval> checkInterval) {
    static Estimate bare(Share value) {
        return new Estimate(value, Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** {@code 64.5 % (61.2 to 67.9)}. */
    public String text() {
        return value.text() + interval.map(i -> " (" + i.text() + ")").orElse("");
    }
}
