package org.mixtureofmamba.eval.statistics;

import java.util.Arrays;
import java.util.List;

/**
 * One loss of a baseline run and of the run compared with it.
 *
 * @param baselineCommon rows of the baseline whose step the other measured too, increasing
 * @param otherCommon the other's rows of the same steps
 */
public record SeriesPair(Series baseline, Series other, int[] baselineCommon, int[] otherCommon) {
    public static SeriesPair of(Series baseline, Series other) {
        double end = Math.max(baseline.end(), other.end());
        if (Math.max(baseline.size(), other.size()) > Series.MOST) {
            double width = Math.ceil(end / Series.MOST);
            return joined(baseline.thinned(width), other.thinned(width));
        }
        return joined(baseline, other);
    }

    private static SeriesPair joined(Series baseline, Series other) {
        int most = Math.min(baseline.size(), other.size());
        var first = new int[most];
        var second = new int[most];
        int n = 0;
        for (int i = 0, j = 0; i < baseline.size() && j < other.size(); ) {
            double a = baseline.steps()[i];
            double b = other.steps()[j];
            if (a == b) {
                first[n] = i++;
                second[n++] = j++;
            } else if (a < b) {
                i++;
            } else {
                j++;
            }
        }
        return new SeriesPair(baseline, other, Arrays.copyOf(first, n), Arrays.copyOf(second, n));
    }

    /** How many steps both measured. */
    public int common() {
        return baselineCommon.length;
    }

    /** The last step that both runs have. */
    public double commonEnd() {
        return Math.min(baseline.end(), other.end());
    }

    public SeriesPair upTo(double step) {
        return joined(baseline.upTo(Math.min(step, baseline.end())), other.upTo(Math.min(step, other.end())));
    }

    /** The baseline less the other at the steps both measured. */
    Series differences() {
        int n = common();
        var steps = new double[n];
        var values = new double[n];
        var weights = new double[n];
        for (int i = 0; i < n; i++) {
            steps[i] = baseline.steps()[baselineCommon[i]];
            values[i] = baseline.values()[baselineCommon[i]] - other.values()[otherCommon[i]];
            weights[i] = baseline.weights()[baselineCommon[i]];
        }
        return new Series(steps, values, weights, commonEnd());
    }

    /** The curves averaged over seeds, at the steps that every seed measured. */
    public static SeriesPair mean(List<SeriesPair> seeds) {
        return joined(
                meanSeries(seeds.stream().map(SeriesPair::baseline).toList()),
                meanSeries(seeds.stream().map(SeriesPair::other).toList()));
    }

    private static Series meanSeries(List<Series> seeds) {
        double end = seeds.stream().mapToDouble(Series::end).min().orElseThrow();
        var first = seeds.getFirst();
        var steps = new double[first.size()];
        var values = new double[first.size()];
        var weights = new double[first.size()];
        var at = new int[seeds.size()];
        int n = 0;
        for (int i = 0; i < first.size(); i++) {
            double step = first.steps()[i];
            boolean everywhere = step <= end;
            for (int s = 0; s < at.length && everywhere; s++) {
                var seed = seeds.get(s).steps();
                while (at[s] < seed.length && seed[at[s]] < step) {
                    at[s]++;
                }
                everywhere = at[s] < seed.length && seed[at[s]] == step;
            }
            if (everywhere) {
                steps[n] = step;
                for (int s = 0; s < at.length; s++) {
                    values[n] += seeds.get(s).values()[at[s]] / at.length;
                    weights[n] += seeds.get(s).weights()[at[s]] / at.length;
                }
                n++;
            }
        }
        return new Series(Arrays.copyOf(steps, n), Arrays.copyOf(values, n), Arrays.copyOf(weights, n), end);
    }
}
