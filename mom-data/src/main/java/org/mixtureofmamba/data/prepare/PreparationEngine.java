package org.mixtureofmamba.data.prepare;

import java.nio.file.Path;
import java.util.List;

/**
 * Makes shards on other machines; found by {@link java.util.ServiceLoader}. What it leaves undone the single machine
 * makes afterwards, in {@link Preparation#finish}, which also counts and checks what the engine made.
 */
public interface PreparationEngine {
    /** The name on the command line. */
    String name();

    /**
     * Makes all shards of a request, those that are there already excepted.
     *
     * @param master of the cluster, as the engine names it
     * @param out a directory that every machine sees
     * @return the plans of the sources, in order
     * @throws org.mixtureofmamba.core.FailureException if the cluster fails
     */
    List<ShardPlan> makeShards(PreparationRequest request, String master, Path out);
}
