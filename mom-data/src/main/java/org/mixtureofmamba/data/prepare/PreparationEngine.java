package org.mixtureofmamba.data.prepare;

import java.nio.file.Path;

/**
 * Makes shards on other machines; found by {@link java.util.ServiceLoader}. What it leaves undone the single machine makes afterwards, in
 * {@link Preparation#run}, which also counts and checks what the engine made.
 */
public interface PreparationEngine {
    /** The name on the command line. */
    String name();

    /**
     * Makes all shards of a request.
     *
     * @param master of the cluster, as the engine names it
     * @param out a directory that every machine sees
     * @throws org.mixtureofmamba.core.FailureException if the cluster fails
     */
    void makeShards(PreparationRequest request, String master, Path out);
}
