package org.mixtureofmamba.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.UserException;

/** A baseline run and the run that is compared with it: one seed. */
record RunPair(Run baseline, Run other) {
    /**
     * Pairs by seed where the configurations of all tell it, else in order.
     *
     * @param leftOut gets a line for each run without a partner
     * @throws UserException if no two can be paired
     */
    static List<RunPair> pairs(RunGroup baseline, RunGroup other, List<LeftOut> leftOut) {
        if (baseline.runs().size() == 1 && other.runs().size() == 1) {
            return List.of(new RunPair(baseline.runs().getFirst(), other.runs().getFirst()));
        }
        if (baseline.tellsSeeds() && other.tellsSeeds()) {
            var pairs = new ArrayList<RunPair>();
            for (var run : other.runs()) {
                var seed = run.seed().orElseThrow();
                var partner = baseline.withSeed(seed);
                if (partner.isPresent()) {
                    pairs.add(new RunPair(partner.get(), run));
                } else {
                    leftOut.add(new LeftOut(
                            run.directory().toString(),
                            "its seed is %s and %s has %s; train the baseline with it too"
                                    .formatted(seed, baseline.name(), seeds(baseline))));
                }
            }
            for (var run : baseline.runs()) {
                if (other.withSeed(run.seed().orElseThrow()).isEmpty()) {
                    leftOut.add(new LeftOut(
                            run.directory().toString(),
                            "%s has no run of the seed %s; train it with it too"
                                    .formatted(other.name(), run.seed().orElseThrow())));
                }
            }
            if (pairs.isEmpty()) {
                throw new UserException("%s has the seeds %s and %s has %s; give runs of the same seeds"
                        .formatted(baseline.name(), seeds(baseline), other.name(), seeds(other)));
            }
            return List.copyOf(pairs);
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
