package org.mixtureofmamba.data.source;

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
}
