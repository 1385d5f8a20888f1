package org.mixtureofmamba.tokenizers;

import java.nio.file.Path;

/** What every tokenizer has: a kind that names its algorithm and file format, and one file that holds all of it. */
public interface Tokenizer {
    /**
     * The algorithm and format of the file, for example {@code bpe}; written to the manifest and checked on loading.
     */
    String kind();

    /**
     * Writes the tokenizer to one file, whole or not at all.
     *
     * @throws org.mixtureofmamba.core.FailureException if the file cannot be written
     */
    void save(Path file);
}
