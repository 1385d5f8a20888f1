package org.mixtureofmamba.data.source;

import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * A reader that finds the next sample by looking for it; blank lines and the like yield none and the search goes on.
 */
abstract class AheadReader implements SampleReader {
    private Optional<Sample> ahead = Optional.empty();
    private boolean ended;

    /**
     * Looks once: a sample, or nothing where this place has none. Calls {@link #end} where there are no more places.
     */
    abstract Optional<Sample> look();

    final void end() {
        ended = true;
    }

    @Override
    public final boolean hasNext() {
        while (ahead.isEmpty() && !ended) {
            ahead = look();
        }
        return ahead.isPresent();
    }

    @Override
    public final Sample next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        var sample = ahead.get();
        ahead = Optional.empty();
        return sample;
    }
}
