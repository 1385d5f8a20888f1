package org.mixtureofmamba.eval;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * What one run needed to reach the loss at which another, the baseline, ended.
 *
 * <p>Both losses are smoothed with one window. The target is the baseline's smoothed loss at its end. The match is the
 * first step at which the other run's smoothed loss reaches the target and stays at or under it on average for one
 * window, interpolated linearly between steps. Each cost is what the other run had spent at the match, in percent of
 * what the whole baseline run spent. The slope is the second reading, over the whole run: at each loss that the
 * baseline reaches for the first time, the FLOPs of both, fitted by least squares through the origin (the step-match
 * fraction of Mixture-of-Transformers, arXiv 2411.04996).
 *
 * @param loss which loss
 * @param target the baseline's smoothed loss at its end, nats
 * @param reached the other run's smoothed loss at {@code gainStep}, nats
 * @param gain the baseline's smoothed loss less the other's, both at {@code gainStep}, nats: above 0 the other is
 *     better
 * @param gainStep the last step that both runs have
 * @param match where the other run met the target
 * @param costs each cost at the match
 * @param slope FLOPs over all losses that both reach
 */
public record MatchedLoss(
        LossKind loss,
        double target,
        double reached,
        double gain,
        double gainStep,
        Match match,
        Map<Cost, Share> costs,
        Share slope) {
    public MatchedLoss {
        costs = Collections.unmodifiableMap(new EnumMap<>(costs));
    }

    /**
     * Compares one loss of two runs.
     *
     * @throws org.mixtureofmamba.core.UserException if either run never measured the loss
     */
    public static MatchedLoss of(RunMetrics baseline, RunMetrics other, LossKind kind, Smoothing smoothing) {
        return of(LossPair.of(baseline, other, kind, smoothing), kind);
    }

    static MatchedLoss of(LossPair pair, LossKind kind) {
        var baselineLoss = pair.baselineCurve().smoothed(pair.smoothing());
        var otherLoss = pair.otherCurve().smoothed(pair.smoothing());
        double target = baselineLoss[baselineLoss.length - 1];
        var position = pair.match(otherLoss, target);

        var costs = new EnumMap<Cost, Share>(Cost.class);
        for (var cost : Cost.values()) {
            costs.put(
                    cost,
                    position.isPresent()
                            ? known(pair.percentAt(cost, position.getAsDouble()))
                            : beyond(pair.percentInAll(cost)));
        }
        double lastOfBoth = Math.min(
                pair.baseline().last(Column.STEP).orElseThrow(),
                pair.other().last(Column.STEP).orElseThrow());
        double baselineThere = baselineLoss[Math.max(0, pair.baselineCurve().indexAt(lastOfBoth))];
        double otherThere = otherLoss[Math.max(0, pair.otherCurve().indexAt(lastOfBoth))];
        Match match = position.isPresent()
                ? new Match.Reached(pair.stepAt(position.getAsDouble()))
                : new Match.NotReached(pair.other().last(Column.STEP).orElseThrow());
        return new MatchedLoss(
                kind,
                target,
                otherThere,
                baselineThere - otherThere,
                lastOfBoth,
                match,
                costs,
                known(pair.slope(baselineLoss, otherLoss).orElse(Double.NaN)));
    }

    private static Share known(double percent) {
        return Double.isNaN(percent) ? new Share.NotMeasured() : new Share.Of(percent);
    }

    private static Share beyond(double percent) {
        return Double.isNaN(percent) ? new Share.NotMeasured() : new Share.MoreThan(percent);
    }
}
