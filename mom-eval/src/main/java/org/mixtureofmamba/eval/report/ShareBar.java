package org.mixtureofmamba.eval.report;

import java.util.Locale;

import org.mixtureofmamba.eval.Estimate;
import org.mixtureofmamba.eval.Share;

/** A share drawn on a track from 0 to 125 %: where its fill and its whisker end, in the units of the drawing. */
public record ShareBar(String fill, boolean open, String low, String high, boolean beyond, String hundred) {
    private static final double LONGEST = 125;
    private static final double WIDTH = 200;

    static ShareBar of(Estimate estimate) {
        var interval = estimate.interval();
        return new ShareBar(
                x(estimate.value()),
                !(estimate.value() instanceof Share.Of),
                interval.map(i -> x(i.low())).orElse(""),
                interval.map(i -> x(i.high())).orElse(""),
                interval.map(i -> i.high() instanceof Share.MoreThan).orElse(false),
                x(new Share.Of(100)));
    }

    private static String x(Share share) {
        double percent = switch (share) {
            case Share.Of(double known) -> known;
            case Share.MoreThan(double bound) -> bound;
            case Share.LessThan(double bound) -> bound;
            case Share.NotMeasured() -> 0;
        };
        return String.format(Locale.ROOT, "%.1f", Math.clamp(percent, 0, LONGEST) / LONGEST * WIDTH);
    }
}
