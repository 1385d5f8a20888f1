package org.mixtureofmamba.eval;

import java.util.Locale;

/** A figure as an SVG element for a page, coloured by the page's style sheet so that it follows light and dark. */
final class CurveSvg {
    private static final double WIDTH = 560;
    private static final double HEIGHT = 330;
    private static final double LEFT = 52;
    private static final double TOP = 34;
    private static final double RIGHT = 18;
    private static final double BOTTOM = 46;
    private static final int LONGEST_NAME = 24;

    private final CurveFigure figure;
    private final String id;
    private final StringBuilder svg = new StringBuilder();

    private CurveSvg(CurveFigure figure, String id) {
        this.figure = figure;
        this.id = id;
    }

    /**
     * @param id unique on the page
     * @param spoken what a screen reader says in its place
     */
    static String draw(CurveFigure figure, String id, String spoken) {
        return new CurveSvg(figure, id).draw(spoken);
    }

    private String draw(String spoken) {
        svg.append("<svg class=\"curve\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"%s-t\">"
                .formatted(WIDTH, HEIGHT, id));
        svg.append("<title id=\"%s-t\">%s</title>".formatted(id, Html.escape(spoken)));
        svg.append("<clipPath id=\"%s-c\"><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/></clipPath>"
                .formatted(id, number(LEFT), number(TOP), number(WIDTH - LEFT - RIGHT), number(HEIGHT - TOP - BOTTOM)));
        grid();
        legend();
        target();
        svg.append("<g clip-path=\"url(#%s-c)\">".formatted(id));
        figure.lines().forEach(this::line);
        svg.append("</g>");
        figure.marks().forEach(this::mark);
        return svg.append("</svg>").toString();
    }

    private void grid() {
        double xStep = tickStep(figure.right(), 6);
        for (double x = 0; x <= figure.right() * 1.0001; x += xStep) {
            svg.append("<line class=\"grid\" x1=\"%1$s\" x2=\"%1$s\" y1=\"%2$s\" y2=\"%3$s\"/>"
                    .formatted(px(x), number(TOP), number(HEIGHT - BOTTOM)));
            text(pxValue(x), HEIGHT - BOTTOM + 16, "tick", "middle", label(x, xStep));
        }
        double yStep = tickStep(figure.top() - figure.bottom(), 6);
        for (double y = Math.ceil(figure.bottom() / yStep) * yStep; y <= figure.top(); y += yStep) {
            svg.append("<line class=\"grid\" y1=\"%1$s\" y2=\"%1$s\" x1=\"%2$s\" x2=\"%3$s\"/>"
                    .formatted(py(y), number(LEFT), number(WIDTH - RIGHT)));
            text(LEFT - 8, pyValue(y) + 4, "tick", "end", label(y, yStep));
        }
        text(
                (LEFT + WIDTH - RIGHT) / 2,
                HEIGHT - 10,
                "axis",
                "middle",
                figure.cost().title() + (figure.cost() == Cost.FLOPS ? " spent, " : ", ") + figure.unit());
        text(LEFT - 40, 16, "axis", "start", "loss, nats a token");
    }

    private void legend() {
        double x = WIDTH - RIGHT;
        for (int i = figure.lines().size() - 1; i >= 0; i--) {
            var line = figure.lines().get(i);
            if (line.seed() > 0) {
                continue;
            }
            int surplus = Math.max(0, line.name().length() - LONGEST_NAME);
            var name = surplus == 0 ? line.name() : "…" + line.name().substring(surplus + 1);
            x -= 7.2 * name.length();
            text(x, 16, "name", "start", name);
            svg.append("<line class=\"line m%d\" x1=\"%s\" x2=\"%s\" y1=\"12\" y2=\"12\"/>"
                    .formatted(line.model() % 6, number(x - 26), number(x - 6)));
            x -= 42;
        }
    }

    private void target() {
        for (var line : figure.baseline()) {
            svg.append("<line class=\"target\" y1=\"%1$s\" y2=\"%1$s\" x1=\"%2$s\" x2=\"%3$s\"/>"
                    .formatted(py(line.end()), number(LEFT), number(WIDTH - RIGHT)));
        }
        if (!figure.severalSeeds()) {
            double level = figure.baseline().getFirst().end();
            boolean low = pyValue(level) > HEIGHT - BOTTOM - 24;
            text(
                    LEFT + 6,
                    pyValue(level) + (low ? -6 : 14),
                    "tick",
                    "start",
                    String.format(Locale.ROOT, "target %.3f", level));
        }
    }

    private void line(CurveFigure.Line line) {
        var weight = figure.severalSeeds() ? " thin" : "";
        svg.append("<polyline class=\"line m%d%s\" points=\"".formatted(line.model() % 6, weight));
        for (int i = 0; i < line.x().length; i++) {
            svg.append(px(line.x()[i])).append(',').append(py(line.y()[i])).append(' ');
        }
        svg.setLength(svg.length() - 1);
        svg.append("\"/>");
    }

    private void mark(CurveFigure.Mark mark) {
        svg.append("<line class=\"drop m%1$d\" x1=\"%2$s\" x2=\"%2$s\" y1=\"%3$s\" y2=\"%4$s\"/>"
                .formatted(mark.model() % 6, px(mark.x()), py(mark.y()), number(HEIGHT - BOTTOM)));
        svg.append("<circle class=\"mark m%d\" cx=\"%s\" cy=\"%s\" r=\"4.5\"/>"
                .formatted(mark.model() % 6, px(mark.x()), py(mark.y())));
        if (!figure.severalSeeds()) {
            // Under the dot, where no curve comes: losses fall.
            text(
                    pxValue(mark.x()) - 6,
                    pyValue(mark.y()) + 16,
                    "share",
                    "end",
                    mark.share().text());
        }
    }

    private void text(double x, double y, String kind, String anchor, String text) {
        svg.append("<text class=\"%s\" x=\"%s\" y=\"%s\" text-anchor=\"%s\">%s</text>"
                .formatted(kind, number(x), number(y), anchor, Html.escape(text)));
    }

    private double pxValue(double x) {
        return LEFT + x / figure.right() * (WIDTH - LEFT - RIGHT);
    }

    private double pyValue(double y) {
        return TOP + (figure.top() - y) / (figure.top() - figure.bottom()) * (HEIGHT - TOP - BOTTOM);
    }

    private String px(double x) {
        return number(pxValue(x));
    }

    /** Losses far above the frame are drawn to just outside it. */
    private String py(double y) {
        return number(Math.max(-HEIGHT, pyValue(y)));
    }

    /** A step of 1, 2 or 5 times a power of ten that makes about {@code ticks} ticks. */
    static double tickStep(double range, int ticks) {
        double rough = range / ticks;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double lead = rough / power;
        return (lead <= 1.5 ? 1 : lead <= 3.5 ? 2 : lead <= 7.5 ? 5 : 10) * power;
    }

    private static String label(double value, double step) {
        int digits = Math.max(0, (int) Math.ceil(-Math.log10(step) - 1e-9));
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }
}
