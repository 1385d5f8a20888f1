package org.mixtureofmamba.eval;

import java.util.Arrays;
import java.util.Optional;

import org.mixtureofmamba.eval.statistics.Series;

/** The curves of a run that matches are read from. */
final class LossSeries {
    private LossSeries() {}

    /** The training loss where it was measured; a step weighs by its tokens where the file tells them. */
    static Series training(RunMetrics metrics, LossKind kind) {
        var losses = metrics.column(kind.column());
        var steps = metrics.column(Column.STEP);
        var weights = weights(metrics, kind);
        int n = 0;
        var step = new double[losses.length];
        var loss = new double[losses.length];
        var weight = new double[losses.length];
        for (int i = 0; i < losses.length; i++) {
            if (!Double.isNaN(losses[i]) && weights[i] > 0) {
                step[n] = steps[i];
                loss[n] = losses[i];
                weight[n++] = weights[i];
            }
        }
        return new Series(
                Arrays.copyOf(step, n), Arrays.copyOf(loss, n), Arrays.copyOf(weight, n), steps[steps.length - 1]);
    }

    private static double[] weights(RunMetrics metrics, LossKind kind) {
        var weights = new double[metrics.rows()];
        for (var column : kind.tokens()) {
            var tokens = metrics.column(column);
            for (int i = 0; i < weights.length; i++) {
                weights[i] += Double.isNaN(tokens[i]) ? 0 : tokens[i];
            }
        }
        double mean = Arrays.stream(weights).average().orElse(0);
        if (mean <= 0) {
            Arrays.fill(weights, 1);
            return weights;
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] /= mean;
        }
        return weights;
    }

    /** The held-out loss; empty if the run has no {@code heldout.csv} or never measured this loss. */
    static Optional<Series> heldOut(Run run, LossKind kind) {
        var curve = run.heldOut().map(heldOut -> heldOut.curve(kind)).orElse(java.util.List.of());
        if (curve.isEmpty()) {
            return Optional.empty();
        }
        var steps = new double[curve.size()];
        var losses = new double[curve.size()];
        var weights = new double[curve.size()];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = curve.get(i).step();
            losses[i] = curve.get(i).loss();
            weights[i] = 1;
        }
        return Optional.of(new Series(steps, losses, weights, steps[steps.length - 1]));
    }
}
