package org.mixtureofmamba.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.UserException;

/** A baseline run and the run that is compared with it: one seed. */
record RunPair(Run baseline, Run other) {
    /**
     * Pairs by seed where the configurations of both tell it, else in order.
     *
     * @throws UserException if the runs cannot be paired
     */
    static List<RunPair> pairs(RunGroup baseline, RunGroup other) {
        if (baseline.runs().size() > 1 && baseline.tellsSeeds() && other.tellsSeeds()) {
            var pairs = new ArrayList<RunPair>();
            for (var run : baseline.runs()) {
                other.withSeed(run.seed().orElseThrow()).ifPresent(match -> pairs.add(new RunPair(run, match)));
            }
            if (pairs.size() != baseline.runs().size()
                    || pairs.size() != other.runs().size()) {
                throw new UserException("%s has the seeds %s and %s has %s; give runs of the same seeds"
                        .formatted(baseline.name(), seeds(baseline), other.name(), seeds(other)));
            }
            return pairs;
        }
        if (baseline.runs().size() != other.runs().size()) {
            throw new UserException("%s has %d runs and %s has %d; give as many of each, one a seed"
                    .formatted(
                            baseline.name(),
                            baseline.runs().size(),
                            other.name(),
                            other.runs().size()));
        }
        return IntStream.range(0, baseline.runs().size())
                .mapToObj(i -> new RunPair(baseline.runs().get(i), other.runs().get(i)))
                .toList();
    }

    private static String seeds(RunGroup group) {
        return String.join(
                ", ",
                group.runs().stream().map(run -> run.seed().orElse("none")).toList());
    }
}
