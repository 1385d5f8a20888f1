package org.mixtureofmamba.eval.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.eval.Contestant;

/**
 * The runs of an experiment: each model with each seed at each scale. Runs of one seed and scale see the same data in
 * the same order.
 *
 * @param out where they and the report go, as {@code OUT/SCALE/MODEL/seed-N}
 * @param runs by scale, then seed, then model, so that an experiment broken off has whole pairs
 */
public record Plan(Path out, List<Scale> scales, List<Entrant> entrants, int seeds, List<PlannedRun> runs) {
    private static final int MOST_SEEDS = 100;

    public Plan {
        scales = List.copyOf(scales);
        entrants = List.copyOf(entrants);
        runs = List.copyOf(runs);
    }

    /**
     * Plans an experiment.
     *
     * @param entrants the baseline {@link Entrant#DENSE} and what is compared with it
     * @param settings of all runs, each {@code key=value}
     * @throws UserException if there is nothing to compare, or a setting is not valid
     */
    public static Plan of(
            Setting setting, List<Scale> scales, List<Entrant> entrants, int seeds, Path out, List<String> settings) {
        if (seeds < 1 || seeds > MOST_SEEDS) {
            throw new UserException("--seeds %d; give from 1 to %d".formatted(seeds, MOST_SEEDS));
        }
        if (!entrants.contains(Entrant.DENSE) || entrants.stream().distinct().count() < 2) {
            throw new UserException("%s are not an experiment; name dense, the baseline, and at least one other model"
                    .formatted(entrants.stream().map(Entrant::name).collect(Collectors.joining(","))));
        }
        var runs = new ArrayList<PlannedRun>();
        for (var scale : scales.stream().distinct().toList()) {
            for (int seed = 0; seed < seeds; seed++) {
                for (var entrant : entrants.stream().distinct().toList()) {
                    var directory =
                            out.resolve(scale.key()).resolve(entrant.name()).resolve("seed-" + seed);
                    var own = Stream.concat(
                                    entrant.settings().stream(), Stream.of("seed=" + seed, "run=" + quoted(directory)))
                            .toList();
                    runs.add(new PlannedRun(scale, entrant, seed, new Recipe(setting, scale).config(settings, own)));
                }
            }
        }
        return new Plan(
                out,
                scales.stream().distinct().toList(),
                entrants.stream().distinct().toList(),
                seeds,
                runs);
    }

    /** A path as YAML reads it, whatever characters it has. */
    private static String quoted(Path path) {
        return "'" + path.toString().replace("'", "''") + "'";
    }

    /**
     * The runs of a name, as {@code mom/0}, one a scale.
     *
     * @throws UserException if there is none
     */
    public List<PlannedRun> only(String name) {
        var found = runs.stream().filter(run -> run.name().equals(name)).toList();
        if (found.isEmpty()) {
            throw new UserException("--only %s: there is no such run; there are %s"
                    .formatted(
                            name, runs.stream().map(PlannedRun::name).distinct().collect(Collectors.joining(", "))));
        }
        return found;
    }

    /** Every count-th run, beginning with the part-th, counted from 1. */
    public List<PlannedRun> part(int part, int count) {
        return IntStream.range(0, runs.size())
                .filter(i -> i % count == part - 1)
                .mapToObj(runs::get)
                .toList();
    }

    /** The finished runs of a model at a scale; empty if there are none. */
    public List<Contestant> finished(Scale scale, Entrant entrant) {
        var directories = runs.stream()
                .filter(run -> run.scale() == scale && run.entrant().equals(entrant))
                .filter(run -> run.state() == PlannedRun.State.FINISHED)
                .map(PlannedRun::directory)
                .toList();
        return directories.isEmpty() ? List.of() : List.of(new Contestant(entrant.name(), directories));
    }
}
