package org.mixtureofmamba.data.source;

import java.util.Iterator;
import java.util.List;

/** Samples that are in memory already. */
public final class ListReader implements SampleReader {
    private final Iterator<Sample> samples;

    public ListReader(List<? extends Sample> samples) {
        this.samples = List.<Sample>copyOf(samples).iterator();
    }

    @Override
    public boolean hasNext() {
        return samples.hasNext();
    }

    @Override
    public Sample next() {
        return samples.next();
    }

    @Override
    public void close() {}
}
