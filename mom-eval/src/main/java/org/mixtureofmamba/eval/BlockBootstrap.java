package org.mixtureofmamba.eval;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * A 95 % interval from one pair of runs: how far the match would move if the noise of the two loss curves had fallen
 * otherwise.
 *
 * <p>Each loss is split into a smooth curve (running mean over three windows) and what is left. The rest is redrawn in
 * blocks of one window, so that noise stays as correlated from step to step as it was; a block comes from within a
 * tenth of the run of where it goes, because noise shrinks as training goes on (local block bootstrap, Paparoditis and
 * Politis 2002); and both runs take the same blocks, because both saw the same batches. The percentiles 2.5 and 97.5 of
 * the shares so found are the interval. Draws that never match count as beyond the run. Same input, same interval.
 *
 * @param draws how many times the noise is redrawn
 * @param seed of the redrawing
 */
record BlockBootstrap(int draws, long seed) {
    private static final int PILOT_WINDOWS = 3;
    private static final int SMALLEST_PILOT_HALF = 4;
    private static final double NEIGHBOURHOOD = 0.1;

    /**
     * @param costs absent where a cost was not measured
     * @param slope absent where the curves share no level
     */
    record Intervals(Map<Cost, Interval> costs, Optional<Interval> slope) {}

    Intervals intervals(LossPair pair) {
        var first = Noise.of(pair.baselineCurve(), pair.smoothing());
        var second = Noise.of(pair.otherCurve(), pair.smoothing());
        int block = Math.max(1, Math.min(pair.smoothing().window(), Math.min(first.size(), second.size())));
        int pool = Math.min(first.size(), second.size());
        int longest = Math.max(first.size(), second.size());

        var shares = new EnumMap<Cost, double[]>(Cost.class);
        for (var cost : Cost.values()) {
            shares.put(cost, new double[draws]);
        }
        var slopes = new double[draws];
        var from = new int[longest];
        var random = new SplittableRandom(seed);
        for (int draw = 0; draw < draws; draw++) {
            redraw(from, pool, block, random);
            var baselineLoss = pair.smoothing().apply(pair.baselineCurve().steps(), first.redrawn(from));
            var otherLoss = pair.smoothing().apply(pair.otherCurve().steps(), second.redrawn(from));
            var position = pair.match(otherLoss, baselineLoss[baselineLoss.length - 1]);
            for (var cost : Cost.values()) {
                shares.get(cost)[draw] = position.isPresent()
                        ? pair.percentAt(cost, position.getAsDouble())
                        : Double.isNaN(pair.percentInAll(cost)) ? Double.NaN : Double.POSITIVE_INFINITY;
            }
            slopes[draw] = pair.slope(baselineLoss, otherLoss).orElse(Double.NaN);
        }

        var intervals = new EnumMap<Cost, Interval>(Cost.class);
        for (var cost : Cost.values()) {
            percentiles(shares.get(cost), pair.percentInAll(cost)).ifPresent(found -> intervals.put(cost, found));
        }
        return new Intervals(intervals, percentiles(slopes, Double.NaN));
    }

    /** For each position the index its noise comes from. */
    private static void redraw(int[] from, int pool, int block, SplittableRandom random) {
        int reach = (int) (NEIGHBOURHOOD * pool);
        for (int start = 0; start < from.length; start += block) {
            int centre = Math.min(start, pool - block);
            int lowest = Math.max(0, centre - reach);
            int highest = Math.min(pool - block, centre + reach);
            int source = lowest + random.nextInt(highest - lowest + 1);
            for (int i = start; i < Math.min(start + block, from.length); i++) {
                from[i] = source + i - start;
            }
        }
    }

    private Optional<Interval> percentiles(double[] values, double limit) {
        if (Arrays.stream(values).anyMatch(Double::isNaN)) {
            return Optional.empty();
        }
        Arrays.sort(values);
        double low = values[(int) Math.round(0.025 * (draws - 1))];
        double high = values[(int) Math.round(0.975 * (draws - 1))];
        return Optional.of(new Interval(bound(low, limit), bound(high, limit), Interval.Basis.BLOCK_BOOTSTRAP, draws));
    }

    private static Share bound(double percent, double limit) {
        return Double.isInfinite(percent) ? new Share.MoreThan(limit) : new Share.Of(percent);
    }

    /** A loss as a smooth curve and the noise about it. */
    private record Noise(double[] curve, double[] rest) {
        static Noise of(LossCurve loss, Smoothing smoothing) {
            var pilot = new Smoothing(Math.max(SMALLEST_PILOT_HALF, PILOT_WINDOWS * smoothing.half()));
            var curve = loss.smoothed(pilot);
            var rest = new double[curve.length];
            // A mean of w values follows each of them a little: the rest is too small by this factor.
            double width = Math.min(pilot.window(), Math.max(2, curve.length));
            double lost = Math.sqrt(width / (width - 1));
            for (int i = 0; i < rest.length; i++) {
                rest[i] = (loss.raw()[i] - curve[i]) * lost;
            }
            return new Noise(curve, rest);
        }

        int size() {
            return curve.length;
        }

        double[] redrawn(int[] from) {
            var loss = new double[curve.length];
            for (int i = 0; i < loss.length; i++) {
                loss[i] = curve[i] + rest[from[i]];
            }
            return loss;
        }
    }
}
