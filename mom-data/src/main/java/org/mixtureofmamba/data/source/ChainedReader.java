package org.mixtureofmamba.data.source;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;

/** The samples of several places, one place open at a time. */
public final class ChainedReader<P> implements SampleReader {
    private final Iterator<P> places;
    private final Function<P, SampleReader> opener;
    private SampleReader current = new ListReader(List.of());

    /** @param opener of a place, called when the one before it is read */
    public ChainedReader(List<P> places, Function<P, SampleReader> opener) {
        this.places = places.iterator();
        this.opener = opener;
    }

    @Override
    public boolean hasNext() {
        while (!current.hasNext()) {
            if (!places.hasNext()) {
                return false;
            }
            current.close();
            current = opener.apply(places.next());
        }
        return true;
    }

    @Override
    public Sample next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return current.next();
    }

    @Override
    public void close() {
        current.close();
    }
}
