package org.mixtureofmamba.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Contender;
import org.mixtureofmamba.eval.Cost;
import org.mixtureofmamba.eval.Interval;
import org.mixtureofmamba.eval.LossKind;
import org.mixtureofmamba.eval.Matched;
import org.mixtureofmamba.eval.Row;
import org.mixtureofmamba.eval.Run;
import org.mixtureofmamba.eval.RunGroup;
import org.mixtureofmamba.eval.Share;

/** The figures of a report. */
final class Charts {
    private static final int MOST_POINTS = 400;
    /** What comes before this share of a run is the fall from the start, which all share. */
    private static final double SHOWN_FROM = 0.08;

    private static final double MOST_PERCENT = 160;

    private Charts() {}

    private record Unit(String name, double size) {}

    /** What a curve shows over what. */
    private enum View {
        HELD_OUT("held-out", "held out", Cost.FLOPS),
        TRAINING("training", "training", Cost.FLOPS),
        CLOCK("clock", "training", Cost.WALL_CLOCK);

        private final String id;
        private final String title;
        private final Cost cost;

        View(String id, String title, Cost cost) {
            this.id = id;
            this.title = title;
            this.cost = cost;
        }

        boolean heldOut() {
            return this == HELD_OUT;
        }

        Optional<Matched> matched(Row row) {
            return (heldOut() ? row.heldOut() : row.training()).matched();
        }
    }

    /** The loss curves with their matches: held out over FLOPs, training over FLOPs and over wall-clock. */
    static List<Chart> curves(Comparison comparison, LossKind loss) {
        var charts = new ArrayList<Chart>();
        for (var view : View.values()) {
            curve(comparison, loss, view).ifPresent(charts::add);
        }
        return charts;
    }

    private static Optional<Chart> curve(Comparison comparison, LossKind loss, View view) {
        var groups = new ArrayList<RunGroup>();
        groups.add(comparison.baseline());
        comparison.contenders().forEach(contender -> groups.add(contender.runs()));
        double right = 0;
        for (var group : groups) {
            for (var run : group.runs()) {
                var total = run.metrics().last(view.cost.column());
                if (total.isEmpty()) {
                    return Optional.empty();
                }
                right = Math.max(right, total.getAsDouble());
            }
        }
        var unit = unit(view.cost, right);
        boolean several = groups.stream().anyMatch(group -> group.runs().size() > 1);
        var lines = new ArrayList<Chart.Line>();
        double top = Double.NEGATIVE_INFINITY;
        double bottom = Double.POSITIVE_INFINITY;
        for (int model = 0; model < groups.size(); model++) {
            boolean named = false;
            for (var run : groups.get(model).runs()) {
                var points = points(run, loss, view, unit);
                if (points.isEmpty()) {
                    continue;
                }
                var name = named ? "" : groups.get(model).name();
                named = true;
                var line = new Chart.Line(name, model, several, points.get()[0], points.get()[1]);
                lines.add(line);
                for (int i = 0; i < line.x().length; i++) {
                    bottom = Math.min(bottom, line.y()[i]);
                    if (line.x()[i] >= SHOWN_FROM * line.x()[line.x().length - 1]) {
                        top = Math.max(top, line.y()[i]);
                    }
                }
            }
        }
        if (lines.isEmpty()) {
            return Optional.empty();
        }
        var levels = new ArrayList<Chart.Level>();
        var dots = new ArrayList<Chart.Dot>();
        var spoken = new ArrayList<String>();
        int model = 0;
        for (var contender : comparison.contenders()) {
            model++;
            var matched = contender.row(loss).flatMap(view::matched);
            if (matched.isEmpty()) {
                continue;
            }
            double level = matched.get().levels().baseline();
            if (levels.isEmpty()) {
                levels.add(new Chart.Level(
                        level,
                        String.format(
                                Locale.ROOT,
                                "%s ends at %.3f",
                                comparison.baseline().name(),
                                level)));
                bottom = Math.min(bottom, level);
            }
            var estimate = matched.get().costs().get(view.cost);
            spoken.add("%s needs %s of %s's %s"
                    .formatted(
                            contender.name(),
                            estimate.text(),
                            comparison.baseline().name(),
                            view.cost.title()));
            dot(contender, matched.get(), view, unit, level, model).ifPresent(dots::add);
        }
        double margin = 0.05 * Math.max(top - bottom, 1e-6);
        return Optional.of(new Chart(
                id(comparison, loss.key() + "-" + view.id),
                loss.title() + ", " + view.title,
                "%s loss, %s, over %s. %s"
                        .formatted(loss.title(), view.title, view.cost.title(), String.join("; ", spoken)),
                view.cost.title() + ", " + unit.name(),
                "loss, nats a token",
                false,
                0,
                right / unit.size(),
                bottom - 3 * margin,
                top + margin,
                lines,
                levels,
                dots));
    }

    /** The match of the first seed, at the step where its own run came to it. */
    private static Optional<Chart.Dot> dot(
            Contender contender, Matched matched, View view, Unit unit, double level, int model) {
        if (matched.seeds().getFirst() instanceof Share.Of
                && matched.costs().get(view.cost).value() instanceof Share.Of(double percent)) {
            double x = contender
                    .runs()
                    .runs()
                    .getFirst()
                    .spentAt(view.cost, matched.matchSteps().getFirst());
            return Optional.of(new Chart.Dot(
                    model,
                    x / unit.size(),
                    level,
                    String.format(Locale.ROOT, "%.1f %%", percent),
                    Double.NaN,
                    Double.NaN,
                    true));
        }
        return Optional.empty();
    }

    private static Optional<double[][]> points(Run run, LossKind loss, View view, Unit unit) {
        var curve = view.heldOut() ? run.heldOutCurve(loss) : run.smoothedCurve(loss);
        if (curve.isEmpty() || curve.get().steps().length == 0) {
            return Optional.empty();
        }
        int n = curve.get().steps().length;
        int shown = Math.min(n, MOST_POINTS);
        var x = new double[shown];
        var y = new double[shown];
        for (int i = 0; i < shown; i++) {
            int k = shown == 1 ? 0 : (int) ((long) i * (n - 1) / (shown - 1));
            x[i] = run.spentAt(view.cost, curve.get().steps()[k]) / unit.size();
            y[i] = curve.get().values()[k];
        }
        return Optional.of(new double[][] {x, y});
    }

    /** The training match as it would have been read at earlier ends, all losses of one model. */
    static Optional<Chart> along(Comparison comparison, Contender contender) {
        var lines = new ArrayList<Chart.Line>();
        int colour = 1;
        for (var row : contender.rows()) {
            if (row.loss() == LossKind.ALL) {
                continue;
            }
            var known = row.along().stream()
                    .filter(at -> at.steps() instanceof Share.Of || at.steps() instanceof Share.MoreThan)
                    .toList();
            if (known.size() > 1) {
                lines.add(new Chart.Line(
                        row.loss().title(),
                        colour,
                        false,
                        known.stream().mapToDouble(at -> 100 * at.end()).toArray(),
                        known.stream().mapToDouble(at -> percent(at.steps())).toArray()));
            }
            colour++;
        }
        if (lines.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Chart(
                id(comparison, "along-" + contender.name()),
                contender.name() + ", share along the run",
                "The share of steps that %s needs, read at earlier ends of both runs".formatted(contender.name()),
                "both runs taken to end after, % of their steps",
                "steps needed, %",
                false,
                0,
                100,
                0,
                110,
                lines,
                List.of(new Chart.Level(
                        100, "as many as " + comparison.baseline().name())),
                List.of()));
    }

    /** The share of FLOPs against the baseline's parameters, of one model at several scales. */
    static Optional<Chart> scaling(List<Comparison> comparisons, String model) {
        var dots = new ArrayList<Chart.Dot>();
        var lines = new ArrayList<Chart.Line>();
        double left = Double.POSITIVE_INFINITY;
        double right = 0;
        double top = 110;
        int colour = 1;
        for (var loss : LossKind.values()) {
            if (loss == LossKind.ALL) {
                continue;
            }
            var x = new ArrayList<Double>();
            var y = new ArrayList<Double>();
            for (var comparison : comparisons) {
                var parameters = comparison.baseline().runs().getFirst().parameters();
                var estimate = comparison.contenders().stream()
                        .filter(contender -> contender.name().equals(model) && !contender.memorised())
                        .flatMap(contender -> contender.row(loss).flatMap(Row::headline).stream())
                        .map(matched -> matched.costs().get(Cost.FLOPS))
                        .findFirst();
                if (parameters.isEmpty() || estimate.isEmpty()) {
                    continue;
                }
                double share = percent(estimate.get().value());
                var interval = estimate.get().interval();
                x.add(parameters.getAsDouble());
                y.add(share);
                left = Math.min(left, parameters.getAsDouble());
                right = Math.max(right, parameters.getAsDouble());
                double high = interval.map(Interval::high).map(Charts::percent).orElse(share);
                top = Math.max(top, Math.min(MOST_PERCENT, 1.05 * high));
                dots.add(new Chart.Dot(
                        colour,
                        parameters.getAsDouble(),
                        share,
                        "",
                        interval.map(Interval::low).map(Charts::percent).orElse(Double.NaN),
                        interval.isPresent() ? high : Double.NaN,
                        false));
            }
            if (x.size() > 1) {
                lines.add(new Chart.Line(
                        loss.title(),
                        colour,
                        false,
                        x.stream().mapToDouble(Double::doubleValue).toArray(),
                        y.stream().mapToDouble(Double::doubleValue).toArray()));
            }
            colour++;
        }
        if (lines.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Chart(
                ("scaling-" + model).replaceAll("[^A-Za-z0-9-]", "-"),
                model + ", share against scale",
                "The share of FLOPs that %s needs, at each scale".formatted(model),
                "parameters of the baseline",
                "FLOPs needed, %",
                true,
                left / 1.3,
                right * 1.3,
                0,
                top,
                lines,
                List.of(new Chart.Level(100, "as many as the baseline")),
                dots));
    }

    private static double percent(Share share) {
        return switch (share) {
            case Share.Of(double known) -> known;
            case Share.MoreThan(double bound) -> bound;
            case Share.LessThan(double bound) -> bound;
            case Share.NotMeasured() -> Double.NaN;
        };
    }

    private static String id(Comparison comparison, String what) {
        return ("curve-" + comparison.scale().map(scale -> scale + "-").orElse("") + what)
                .replaceAll("[^A-Za-z0-9-]", "-");
    }

    private static Unit unit(Cost cost, double largest) {
        if (cost == Cost.WALL_CLOCK) {
            return largest < 300
                    ? new Unit("seconds", 1)
                    : largest < 4 * 3600 ? new Unit("minutes", 60) : new Unit("hours", 3600);
        }
        var prefixes = "GTPEZY";
        int i = 0;
        double size = 1e9;
        while (largest >= 1000 * size && i < prefixes.length() - 1) {
            size *= 1000;
            i++;
        }
        return new Unit(prefixes.charAt(i) + "FLOP", size);
    }
}
