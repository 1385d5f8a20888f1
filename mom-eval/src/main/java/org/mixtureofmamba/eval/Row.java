package org.mixtureofmamba.eval;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One loss of one model beside the baseline, over all its seeds.
 *
 * @param loss which loss
 * @param heldOut the match of the held-out curves
 * @param training the match of the training curves by their paired difference
 * @param plain the paper's reading of the training curves: both smoothed, the first crossing; empty if not read
 * @param slope the step-match fraction in FLOPs, empty where the curves share no loss
 * @param coverage how much of the baseline's range of losses the slope rests on, 0 to 1
 * @param sensitivity the training match in FLOPs at other tails
 * @param along the training match at earlier ends of both runs, first seed
 */
public record Row(
        LossKind loss,
        Outcome heldOut,
        Outcome training,
        Map<Cost, Share> plain,
        Optional<Estimate> slope,
        double coverage,
        List<AtTail> sensitivity,
        List<AtEnd> along) {
    /** @param tail the share of the run that the gain is taken from */
    public record AtTail(double tail, Share flops) {}

    /** @param end the share of the baseline's steps at which both runs were taken to end */
    public record AtEnd(double end, Share steps) {}

    public Row {
        plain = Map.copyOf(plain);
        sensitivity = List.copyOf(sensitivity);
        along = List.copyOf(along);
    }

    /** The match that stands first: the held-out one, else the training one. */
    public Optional<Matched> headline() {
        return heldOut.matched().or(training::matched);
    }
}
