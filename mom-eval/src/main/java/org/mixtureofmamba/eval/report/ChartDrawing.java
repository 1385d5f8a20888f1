package org.mixtureofmamba.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A chart in the units of its picture: what the template of a figure draws. All numbers are texts. */
public record ChartDrawing(
        String id,
        String title,
        String spoken,
        String xTitle,
        String yTitle,
        int width,
        int height,
        Frame frame,
        List<Tick> xTicks,
        List<Tick> yTicks,
        List<Path> lines,
        List<Key> legend,
        List<Rule> levels,
        List<Point> dots) {
    private static final int WIDTH = 560;
    private static final int HEIGHT = 350;
    private static final double LEFT = 54;
    private static final double TOP = 54;
    private static final double RIGHT = 18;
    private static final double BOTTOM = 46;
    private static final int COLOURS = 6;
    private static final int LONGEST_NAME = 28;
    private static final double LETTER = 6.8;
    private static final double KEY = 30;

    /**
     * @param tickRight where the labels of the y axis end
     * @param tickBottom the base line of those of the x axis
     */
    public record Frame(
            String left,
            String top,
            String right,
            String bottom,
            String width,
            String height,
            String centre,
            String tickRight,
            String tickBottom) {}

    /** @param textAt where its label is, along the axis */
    public record Tick(String at, String textAt, String label) {}

    public record Path(int colour, boolean thin, String points) {}

    public record Key(int colour, String x, String y, String end, String textX, String textY, String name) {}

    public record Rule(String y, String labelX, String labelY, String label) {}

    public record Point(
            int colour,
            String x,
            String y,
            String label,
            String labelX,
            String labelY,
            String anchor,
            String low,
            String high,
            boolean drop) {}

    static ChartDrawing of(Chart chart) {
        var scale = new Scale(chart);
        var lines = new ArrayList<Path>();
        for (var line : chart.lines()) {
            var points = new StringBuilder();
            for (int i = 0; i < line.x().length; i++) {
                points.append(i == 0 ? "" : " ")
                        .append(scale.x(line.x()[i]))
                        .append(',')
                        .append(scale.y(line.y()[i]));
            }
            lines.add(new Path(line.colour() % COLOURS, line.thin(), points.toString()));
        }
        return new ChartDrawing(
                chart.id(),
                chart.title(),
                chart.spoken(),
                chart.xTitle(),
                chart.yTitle(),
                WIDTH,
                HEIGHT,
                new Frame(
                        number(LEFT),
                        number(TOP),
                        number(WIDTH - RIGHT),
                        number(HEIGHT - BOTTOM),
                        number(WIDTH - LEFT - RIGHT),
                        number(HEIGHT - TOP - BOTTOM),
                        number((LEFT + WIDTH - RIGHT) / 2),
                        number(LEFT - 7),
                        number(HEIGHT - BOTTOM + 16)),
                scale.xTicks(),
                scale.yTicks(),
                lines,
                legend(chart),
                chart.levels().stream()
                        .map(level -> new Rule(
                                scale.y(level.y()),
                                number(LEFT + 6),
                                number(
                                        scale.low(level.y())
                                                ? scale.yValue(level.y()) - 6
                                                : scale.yValue(level.y()) + 14),
                                level.label()))
                        .toList(),
                chart.dots().stream().map(dot -> point(dot, scale)).toList());
    }

    private static Point point(Chart.Dot dot, Scale scale) {
        boolean leftHalf = scale.xValue(dot.x()) < LEFT + 90;
        return new Point(
                dot.colour() % COLOURS,
                scale.x(dot.x()),
                scale.y(dot.y()),
                dot.label(),
                number(scale.xValue(dot.x()) + (leftHalf ? 7 : -7)),
                number(scale.low(dot.y()) ? scale.yValue(dot.y()) - 8 : scale.yValue(dot.y()) + 16),
                leftHalf ? "start" : "end",
                Double.isNaN(dot.low()) ? "" : scale.y(dot.low()),
                Double.isNaN(dot.low()) ? "" : scale.y(dot.high()),
                dot.drop());
    }

    /** Names from the left in the two rows above the frame. */
    private static List<Key> legend(Chart chart) {
        var keys = new ArrayList<Key>();
        double x = LEFT;
        double y = 34;
        for (var line : chart.lines()) {
            if (line.name().isEmpty()) {
                continue;
            }
            int surplus = line.name().length() - LONGEST_NAME;
            var name = surplus <= 0 ? line.name() : "…" + line.name().substring(surplus + 1);
            double width = KEY + LETTER * name.length() + 14;
            if (x + width > WIDTH && x > LEFT) {
                x = LEFT;
                y += 14;
            }
            keys.add(new Key(
                    line.colour() % COLOURS,
                    number(x),
                    number(y - 4),
                    number(x + KEY - 5),
                    number(x + KEY),
                    number(y),
                    name));
            x += width;
        }
        return keys;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private record Scale(Chart chart) {
        String x(double value) {
            return number(xValue(value));
        }

        /** What lies far above the frame is drawn to just outside of it. */
        String y(double value) {
            return number(Math.clamp(yValue(value), -HEIGHT, 2 * HEIGHT));
        }

        double xValue(double value) {
            double share = chart.logX()
                    ? Math.log(value / chart.left()) / Math.log(chart.right() / chart.left())
                    : (value - chart.left()) / (chart.right() - chart.left());
            return LEFT + share * (WIDTH - LEFT - RIGHT);
        }

        double yValue(double value) {
            return TOP + (chart.top() - value) / (chart.top() - chart.bottom()) * (HEIGHT - TOP - BOTTOM);
        }

        boolean low(double value) {
            return yValue(value) > HEIGHT - BOTTOM - 24;
        }

        List<Tick> xTicks() {
            return chart.logX() ? powers() : ticks(chart.left(), chart.right(), 6, true);
        }

        List<Tick> yTicks() {
            return ticks(chart.bottom(), chart.top(), 6, false);
        }

        private List<Tick> powers() {
            var ticks = new ArrayList<Tick>();
            for (double power = Math.pow(10, Math.floor(Math.log10(chart.left())));
                    power <= chart.right();
                    power *= 10) {
                for (double lead : new double[] {1, 3}) {
                    double value = lead * power;
                    if (value >= chart.left() * 0.999 && value <= chart.right() * 1.001) {
                        ticks.add(new Tick(x(value), x(value), shortNumber(value)));
                    }
                }
            }
            return ticks;
        }

        private List<Tick> ticks(double from, double to, int about, boolean across) {
            double step = tickStep(to - from, about);
            var ticks = new ArrayList<Tick>();
            for (double value = Math.ceil(from / step - 1e-9) * step; value <= to + 1e-9 * step; value += step) {
                ticks.add(
                        across
                                ? new Tick(x(value), x(value), label(value, step))
                                : new Tick(y(value), number(yValue(value) + 4), label(value, step)));
            }
            return ticks;
        }
    }

    /** A step of 1, 2 or 5 times a power of ten that makes about {@code ticks} ticks. */
    static double tickStep(double range, int ticks) {
        double rough = range / ticks;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double lead = rough / power;
        return (lead <= 1.5 ? 1 : lead <= 3.5 ? 2 : lead <= 7.5 ? 5 : 10) * power;
    }

    static String shortNumber(double value) {
        return value >= 1e9
                ? String.format(Locale.ROOT, "%.3gB", value / 1e9)
                : value >= 1e6
                        ? String.format(Locale.ROOT, "%.0fM", value / 1e6)
                        : String.format(Locale.ROOT, "%.0fk", value / 1e3);
    }

    private static String label(double value, double step) {
        int digits = Math.max(0, (int) Math.ceil(-Math.log10(step) - 1e-9));
        return String.format(Locale.ROOT, "%." + digits + "f", Math.abs(value) < step / 1e6 ? 0 : value);
    }
}
