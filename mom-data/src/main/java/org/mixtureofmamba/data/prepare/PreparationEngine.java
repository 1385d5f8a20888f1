package org.mixtureofmamba.data.prepare;

import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;

import org.mixtureofmamba.core.UserException;

/**
 * Makes shards on other machines; found by {@link ServiceLoader}. What it leaves undone the single machine makes
 * afterwards.
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

    /**
     * The engine of a name.
     *
     * @throws UserException if this build has none
     */
    static PreparationEngine named(String name) {
        return ServiceLoader.load(PreparationEngine.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(engine -> engine.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new UserException(
                        "this build has no engine '%s'; build it with 'mvn -P launcher,spark package' for spark"
                                .formatted(name)));
    }
}
