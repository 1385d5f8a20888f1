package org.mixtureofmamba.eval;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * One loss of one model beside the baseline, over all its seeds.
 *
 * @param loss which loss
 * @param target the baseline's smoothed loss at its end, mean over seeds, nats
 * @param reached the model's, at the last step both have, mean over seeds, nats
 * @param gain baseline less model at that step, mean over seeds, nats
 * @param gainHalf half the 95 % interval of the gain over seeds; empty for one seed
 * @param costs what the model needed for the target
 * @param slope FLOPs over all losses both reach
 * @param seeds each seed's own result
 */
public record Row(
        LossKind loss,
        double target,
        double reached,
        double gain,
        OptionalDouble gainHalf,
        Map<Cost, Estimate> costs,
        Estimate slope,
        List<MatchedLoss> seeds) {
    public Row {
        costs = Collections.unmodifiableMap(new EnumMap<>(costs));
        seeds = List.copyOf(seeds);
    }

    /** How many seeds met the target. */
    public long matched() {
        return seeds.stream()
                .filter(seed -> seed.match() instanceof Match.Reached)
                .count();
    }

    static Row of(LossKind kind, List<RunPair> pairs, Smoothing smoothing, BlockBootstrap bootstrap) {
        var seeds = pairs.stream()
                .map(pair ->
                        MatchedLoss.of(pair.baseline().metrics(), pair.other().metrics(), kind, smoothing))
                .toList();
        var costs = new EnumMap<Cost, Estimate>(Cost.class);
        for (var cost : Cost.values()) {
            costs.put(
                    cost,
                    PairedSeeds.estimate(
                            seeds.stream().map(seed -> seed.costs().get(cost)).toList()));
        }
        var slope = PairedSeeds.estimate(seeds.stream().map(MatchedLoss::slope).toList());
        if (pairs.size() == 1) {
            var pair = pairs.getFirst();
            var intervals = bootstrap.intervals(
                    LossPair.of(pair.baseline().metrics(), pair.other().metrics(), kind, smoothing));
            costs.replaceAll((cost, estimate) -> new Estimate(
                    estimate.value(),
                    java.util.Optional.ofNullable(intervals.costs().get(cost))));
            slope = new Estimate(slope.value(), intervals.slope());
        }
        return new Row(
                kind,
                seeds.stream().mapToDouble(MatchedLoss::target).average().orElseThrow(),
                seeds.stream().mapToDouble(MatchedLoss::reached).average().orElseThrow(),
                seeds.stream().mapToDouble(MatchedLoss::gain).average().orElseThrow(),
                PairedSeeds.halfWidth(
                        seeds.stream().mapToDouble(MatchedLoss::gain).toArray()),
                costs,
                slope,
                seeds);
    }
}
