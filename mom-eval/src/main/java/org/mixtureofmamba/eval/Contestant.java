package org.mixtureofmamba.eval;

import java.nio.file.Path;
import java.util.List;

import org.mixtureofmamba.core.UserException;

/**
 * A model to be compared, before anything of it is read.
 *
 * @param name what tables call it
 * @param runs its run directories, one a seed
 */
public record Contestant(String name, List<Path> runs) {
    public Contestant {
        runs = List.copyOf(runs);
        if (runs.isEmpty()) {
            throw new UserException("%s has no runs; give the directory of a run".formatted(name));
        }
    }
}
