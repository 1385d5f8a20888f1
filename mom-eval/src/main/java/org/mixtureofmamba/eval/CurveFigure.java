package org.mixtureofmamba.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Smoothed losses over a cost, ready to draw: the baseline's and each contender's, a line a seed, the target and the
 * matches.
 *
 * @param loss which loss
 * @param cost FLOPs or wall-clock
 * @param unit what one on the x axis is
 * @param lines the baseline's first
 * @param marks where contenders met the target
 * @param top the highest loss worth showing: what comes before is the fall from the start, which all share
 * @param bottom a little under the lowest loss
 * @param right the largest x
 */
record CurveFigure(
        LossKind loss,
        Cost cost,
        String unit,
        List<Line> lines,
        List<Mark> marks,
        double top,
        double bottom,
        double right) {
    private static final int MOST_POINTS = 500;
    private static final double SHOWN_FROM = 0.08;

    /**
     * @param model 0 for the baseline, then the contenders
     * @param seed counted from 0
     */
    record Line(String name, int model, int seed, double[] x, double[] y) {
        double end() {
            return y[y.length - 1];
        }
    }

    /** The point where a contender met the target, and the share it had spent. */
    record Mark(int model, int seed, double x, double y, Share share) {}

    private record Scale(String unit, double size) {}

    /** The figure, or none if a run did not measure the cost. */
    static Optional<CurveFigure> of(Comparison comparison, LossKind loss, Cost cost) {
        var groups = new ArrayList<RunGroup>();
        groups.add(comparison.baseline());
        comparison.contenders().stream().filter(c -> c.row(loss).isPresent()).forEach(c -> groups.add(c.runs()));
        double right = 0;
        for (var group : groups) {
            for (var run : group.runs()) {
                var total = run.metrics().last(cost.column());
                if (total.isEmpty()) {
                    return Optional.empty();
                }
                right = Math.max(right, total.getAsDouble());
            }
        }
        var scale = scale(cost, right);
        var lines = new ArrayList<Line>();
        for (int model = 0; model < groups.size(); model++) {
            for (int seed = 0; seed < groups.get(model).runs().size(); seed++) {
                var metrics = groups.get(model).runs().get(seed).metrics();
                lines.add(line(
                        groups.get(model).name(), model, seed, metrics, loss, cost, comparison.smoothing(), scale));
            }
        }
        double top = Double.NEGATIVE_INFINITY;
        double bottom = Double.POSITIVE_INFINITY;
        for (var line : lines) {
            for (int i = 0; i < line.x().length; i++) {
                bottom = Math.min(bottom, line.y()[i]);
                if (line.x()[i] >= SHOWN_FROM * line.x()[line.x().length - 1]) {
                    top = Math.max(top, line.y()[i]);
                }
            }
        }
        double margin = 0.05 * Math.max(top - bottom, 1e-6);
        return Optional.of(new CurveFigure(
                loss,
                cost,
                scale.unit(),
                List.copyOf(lines),
                marks(comparison, loss, cost, scale),
                top + margin,
                bottom - 3 * margin,
                right / scale.size()));
    }

    /** The baseline's lines. */
    List<Line> baseline() {
        return lines.stream().filter(line -> line.model() == 0).toList();
    }

    /** What a model is called. */
    String name(int model) {
        return lines.stream()
                .filter(line -> line.model() == model)
                .findFirst()
                .orElseThrow()
                .name();
    }

    /** Whether any model has more than one seed. */
    boolean severalSeeds() {
        return lines.stream().anyMatch(line -> line.seed() > 0);
    }

    private static List<Mark> marks(Comparison comparison, LossKind loss, Cost cost, Scale scale) {
        var marks = new ArrayList<Mark>();
        int model = 0;
        for (var contender : comparison.contenders()) {
            var row = contender.row(loss);
            if (row.isEmpty()) {
                continue;
            }
            model++;
            var pairs = RunPair.pairs(comparison.baseline(), contender.runs());
            for (int seed = 0; seed < pairs.size(); seed++) {
                var result = row.get().seeds().get(seed);
                if (result.match() instanceof Match.Reached
                        && result.costs().get(cost) instanceof Share.Of(double percent)) {
                    double total = pairs.get(seed)
                            .baseline()
                            .metrics()
                            .last(cost.column())
                            .orElseThrow();
                    marks.add(new Mark(
                            model, seed, percent / 100 * total / scale.size(), result.target(), new Share.Of(percent)));
                }
            }
        }
        return List.copyOf(marks);
    }

    private static Line line(
            String name,
            int model,
            int seed,
            RunMetrics metrics,
            LossKind loss,
            Cost cost,
            Smoothing smoothing,
            Scale scale) {
        var curve = LossCurve.of(metrics, loss);
        var smoothed = curve.smoothed(smoothing);
        var spent = metrics.column(cost.column());
        int n = curve.size();
        int points = Math.min(n, MOST_POINTS);
        var x = new double[points];
        var y = new double[points];
        for (int i = 0; i < points; i++) {
            int k = points == 1 ? 0 : (int) ((long) i * (n - 1) / (points - 1));
            x[i] = spent[curve.rows()[k]] / scale.size();
            y[i] = smoothed[k];
        }
        return new Line(name, model, seed, x, y);
    }

    private static Scale scale(Cost cost, double largest) {
        if (cost == Cost.WALL_CLOCK) {
            return largest < 300
                    ? new Scale("seconds", 1)
                    : largest < 4 * 3600 ? new Scale("minutes", 60) : new Scale("hours", 3600);
        }
        var prefixes = "GTPEZY";
        int i = 0;
        double size = 1e9;
        while (largest >= 1000 * size && i < prefixes.length() - 1) {
            size *= 1000;
            i++;
        }
        return new Scale(prefixes.charAt(i) + "FLOP", size);
    }
}
