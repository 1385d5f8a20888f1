package org.mixtureofmamba.data.source;

import java.util.List;

/** A named supply of samples that can be read again from its start, always in the same order. */
public interface Source {
    /** The part of the corpus that its documents make up; a file-name-safe word. */
    String name();

    /** What is read, in words that end up in the manifest: kind and place, not content. */
    String description();

    /**
     * Opens the source at its first sample.
     *
     * @throws org.mixtureofmamba.core.UserException if there is nothing to read or it is not what it was said to be
     */
    SampleReader open();

    /**
     * The source in pieces that can be read each on its own, in order: their samples, one after another, are those of
     * the whole. One piece where it can only be read from its start.
     */
    default List<Source> pieces() {
        return List.of(this);
    }
}
