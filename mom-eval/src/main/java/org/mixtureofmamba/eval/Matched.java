package org.mixtureofmamba.eval;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * One reading of one loss of one model beside the baseline, over all its seeds.
 *
 * @param levels the losses at the end
 * @param costs what the model needed for the loss at which the baseline ended
 * @param seeds each seed's share of the baseline's steps
 * @param matchSteps each seed's step of the match; beyond the run where it never came
 */
public record Matched(Levels levels, Map<Cost, Estimate> costs, List<Share> seeds, List<Double> matchSteps) {
    public Matched {
        costs = Collections.unmodifiableMap(new EnumMap<>(costs));
        seeds = List.copyOf(seeds);
        matchSteps = List.copyOf(matchSteps);
    }

    /** How many seeds came to the loss. */
    public long reached() {
        return seeds.stream()
                .filter(share -> !(share instanceof Share.MoreThan))
                .count();
    }
}
