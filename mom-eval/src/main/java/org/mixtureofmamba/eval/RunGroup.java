package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;

/**
 * One model, trained once or with several seeds.
 *
 * @param name what tables call it
 * @param runs its runs, one a seed, at least one
 */
public record RunGroup(String name, List<Run> runs) {
    private static final int MOST_RUNS = 1000;

    public RunGroup {
        runs = List.copyOf(runs);
        if (runs.isEmpty()) {
            throw new UserException("%s has no runs".formatted(name));
        }
    }

    /**
     * Reads a run directory, or a directory whose subdirectories are the runs of one model, one a seed (in the order of
     * their names, numbers by value). The name is the directory's.
     *
     * @throws UserException if it is neither
     */
    public static RunGroup read(Path path) {
        var name = String.valueOf(path.toAbsolutePath().normalize().getFileName());
        if (Files.isRegularFile(path.resolve(Run.METRICS))) {
            return new RunGroup(name, List.of(Run.read(path)));
        }
        if (!Files.isDirectory(path)) {
            throw new UserException("%s is no directory; give the directory of a run".formatted(path));
        }
        try (var inside = Files.list(path)) {
            var seeds = inside.filter(seed -> Files.isRegularFile(seed.resolve(Run.METRICS)))
                    .sorted(Comparator.comparingInt(
                                    (Path seed) -> seed.getFileName().toString().length())
                            .thenComparing(Comparator.naturalOrder()))
                    .limit(MOST_RUNS)
                    .toList();
            if (seeds.isEmpty()) {
                throw new UserException("neither %s nor a directory in it has a %s; give the directory of a run"
                        .formatted(path, Run.METRICS));
            }
            return new RunGroup(name, seeds.stream().map(Run::read).toList());
        } catch (IOException e) {
            throw new UserException("cannot list %s: %s".formatted(path, e.getMessage()), e);
        }
    }

    /** The run of a seed. */
    Optional<Run> withSeed(String seed) {
        return runs.stream().filter(run -> run.seed().equals(Optional.of(seed))).findFirst();
    }

    /** Whether every run tells its seed and no two the same. */
    boolean tellsSeeds() {
        var seeds = new HashSet<String>();
        return runs.stream()
                .allMatch(run -> run.seed().isPresent() && seeds.add(run.seed().get()));
    }
}
