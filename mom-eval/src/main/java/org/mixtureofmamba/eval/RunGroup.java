package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;

/**
 * One model, trained once or with several seeds, as far as it could be read.
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
     * What a path names: a run directory, or a directory whose subdirectories are the runs of one model, one a seed (in
     * the order of their names, numbers by value). The name is the directory's.
     *
     * @throws UserException if it is neither
     */
    public static Contestant find(Path path) {
        var name = String.valueOf(path.toAbsolutePath().normalize().getFileName());
        if (!Files.isDirectory(path)) {
            throw new UserException("%s is no directory; give the directory of a run".formatted(path));
        }
        if (isRun(path)) {
            return new Contestant(name, List.of(path));
        }
        try (var inside = Files.list(path)) {
            var seeds = inside.filter(RunGroup::isRun)
                    .sorted(Comparator.comparingInt(
                                    (Path seed) -> seed.getFileName().toString().length())
                            .thenComparing(Comparator.naturalOrder()))
                    .limit(MOST_RUNS)
                    .toList();
            if (seeds.isEmpty()) {
                throw new UserException("neither %s nor a directory in it has a %s; give the directory of a run"
                        .formatted(path, Run.METRICS));
            }
            return new Contestant(name, seeds);
        } catch (IOException e) {
            throw new UserException("cannot list %s: %s".formatted(path, e.getMessage()), e);
        }
    }

    private static boolean isRun(Path directory) {
        return Files.isRegularFile(directory.resolve(Run.METRICS))
                || Files.isRegularFile(directory.resolve(Run.CONFIG));
    }

    /**
     * Reads what can be read.
     *
     * @param leftOut gets a line for each run that cannot
     * @return empty if none can
     */
    static Optional<RunGroup> read(Contestant contestant, List<LeftOut> leftOut) {
        var runs = new ArrayList<Run>();
        Map<String, Path> seeds = new HashMap<>();
        for (var directory : contestant.runs()) {
            try {
                var run = Run.read(directory);
                run.requireFinished();
                var twin = run.seed().map(seed -> seeds.putIfAbsent(seed, directory));
                if (twin.isPresent()) {
                    throw new UserException("%s has the seed %s too; give each seed once"
                            .formatted(twin.get(), run.seed().orElseThrow()));
                }
                runs.add(run);
            } catch (UserException e) {
                leftOut.add(new LeftOut(directory.toString(), e.getMessage()));
            }
        }
        return runs.isEmpty() ? Optional.empty() : Optional.of(new RunGroup(contestant.name(), runs));
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
