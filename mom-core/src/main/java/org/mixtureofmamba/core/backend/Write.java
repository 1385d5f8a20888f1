package org.mixtureofmamba.core.backend;

/** What an operation does with what its output held before. */
public enum Write {
    OVERWRITE,
    ADD
}
