package org.mixtureofmamba.data.source;

import java.util.Iterator;

/**
 * Samples one after another. Records that cannot be used come as {@link Sample.Rejected}; only a failing medium throws.
 */
public interface SampleReader extends Iterator<Sample>, AutoCloseable {
    @Override
    void close();
}
