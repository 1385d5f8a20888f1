package org.mixtureofmamba.eval.statistics;

import java.util.Optional;

/**
 * The step-match fraction of Mixture-of-Transformers (arXiv 2411.04996): for each loss that the baseline comes to, the
 * steps of both, fitted by a line through the origin. Read off the smooth curves of {@link PairedDifference}, over the
 * fitted part of the baseline.
 *
 * @param steps the other's steps over the baseline's
 * @param coverage how much of the baseline's range of losses the other came to within its own fitted part, 0 to 1
 */
public record Slope(double steps, double coverage) {
    /** Empty where the curves share no loss. */
    public static Optional<Slope> of(SeriesPair pair) {
        var differences = pair.differences();
        var differenceFitter = new CurveFitter(differences);
        var other = new CurveFitter(pair.other()).fit(pair.other().values());
        var difference = differenceFitter.fit(differences.values());
        int n = differences.size() - differenceFitter.first();
        var steps = new double[n];
        var baselineLoss = new double[n];
        var otherLoss = new double[n];
        double lowestBaseline = Double.POSITIVE_INFINITY;
        double lowestOther = Double.POSITIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            steps[i] = differences.steps()[differenceFitter.first() + i];
            double loss = other.at(steps[i]);
            lowestOther = Math.min(lowestOther, loss);
            lowestBaseline = Math.min(lowestBaseline, loss + difference.at(steps[i]));
            otherLoss[i] = lowestOther;
            baselineLoss[i] = lowestBaseline;
        }
        double products = 0;
        double squares = 0;
        double covered = 0;
        int j = 0;
        for (int i = 0; i < n; i++) {
            double level = baselineLoss[i];
            while (j < n && otherLoss[j] > level) {
                j++;
            }
            boolean seen = j < n && (j > 0 || otherLoss[0] == level);
            if (!seen) {
                continue;
            }
            double before = j == 0 ? level : otherLoss[j - 1];
            double at = before > level
                    ? steps[j - 1] + (steps[j] - steps[j - 1]) * (before - level) / (before - otherLoss[j])
                    : steps[j];
            products += at * steps[i];
            squares += steps[i] * steps[i];
            covered += i == 0 ? 0 : baselineLoss[i - 1] - level;
        }
        double range = baselineLoss[0] - baselineLoss[n - 1];
        return squares > 0 && range > 0
                ? Optional.of(new Slope(products / squares, Math.min(1, covered / range)))
                : Optional.empty();
    }
}
