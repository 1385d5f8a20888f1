package org.mixtureofmamba.eval;

import java.util.Locale;

/** A share drawn on a track from 0 to 125 %, with its interval as a whisker and a tick at the baseline's 100 %. */
final class ShareBar {
    private static final double LONGEST = 125;
    private static final double WIDTH = 200;

    private ShareBar() {}

    static String draw(Estimate estimate) {
        var svg = new StringBuilder("<svg class=\"bar\" viewBox=\"0 0 200 16\" aria-hidden=\"true\">");
        svg.append("<rect class=\"track\" x=\"0\" y=\"5\" width=\"200\" height=\"6\" rx=\"3\"/>");
        var kind = estimate.value() instanceof Share.Of ? "fill" : "fill open";
        add(
                svg,
                "<rect class=\"" + kind + "\" x=\"0\" y=\"5\" width=\"%.1f\" height=\"6\" rx=\"3\"/>",
                x(estimate.value()));
        estimate.interval().ifPresent(interval -> {
            add(svg, "<path class=\"whisker\" d=\"M%.1f 2v12\"/>", x(interval.low()));
            if (interval.high() instanceof Share.MoreThan) {
                add(svg, "<path class=\"whisker\" d=\"M%.1f 8H200\"/>", x(interval.low()));
            } else {
                add(
                        svg,
                        "<path class=\"whisker\" d=\"M%.1f 8H%.1fM%2$.1f 2v12\"/>",
                        x(interval.low()),
                        x(interval.high()));
            }
        });
        add(svg, "<path class=\"hundred\" d=\"M%.1f 0v16\"/>", x(new Share.Of(100)));
        return svg.append("</svg>").toString();
    }

    private static void add(StringBuilder svg, String markup, Object... numbers) {
        svg.append(String.format(Locale.ROOT, markup, numbers));
    }

    private static double x(Share share) {
        double percent = switch (share) {
            case Share.Of(double known) -> known;
            case Share.MoreThan(double bound) -> bound;
            case Share.NotMeasured() -> 0;
        };
        return Math.clamp(percent, 0, LONGEST) / LONGEST * WIDTH;
    }
}
