package org.mixtureofmamba.eval.statistics;

import java.util.Arrays;
import java.util.SplittableRandom;

import org.apache.commons.statistics.distribution.TDistribution;

/**
 * A 95 % interval from one pair of runs: how far the match would move if the noise of the two losses had fallen
 * otherwise.
 *
 * <p>The other run's loss and the difference of the two are each split into a smooth curve and noise. Both noises are
 * redrawn together in blocks of steps, from within a fifth of the run of where they go, because noise shrinks as
 * training goes on (local block bootstrap, Paparoditis and Politis 2002). A block is so long that cutting the noise
 * into such blocks loses {@value #LOST} of its long-run variance, by its own autocorrelation, and that little is given
 * back.
 *
 * <p>A share is a crooked function of the losses, above all near the run's end, and the percentiles of redrawn shares
 * hold the truth too often there and too seldom elsewhere. What is nearly normal is the surplus at a given place, so
 * the interval is that of Fieller (1954): all places at which the surplus is less than t of its own deviations away
 * from 0. Same input, same interval.
 *
 * @param draws how many times the noise is redrawn
 * @param seed of the redrawing
 */
public record BlockBootstrap(int draws, long seed) {
    private static final double LOST = 0.03;
    private static final int SHORTEST = 8;
    private static final int FEWEST_BLOCKS = 15;
    private static final int MOST_LAGS = 60;
    private static final double NEIGHBOURHOOD = 0.2;

    /**
     * @param low the interval's lower end, a place as of {@link Surplus}
     * @param high its upper end
     * @param median of the redrawn matches
     * @param block how many steps a block has
     */
    public record Spread(double low, double high, double median, int block) {}

    /** @throws IllegalArgumentException if the pair has too few common measurements for a fit */
    public Spread spread(SeriesPair pair, Reading reading) {
        var noise = new Noise(pair);
        var places = new double[draws];
        var sums = new double[Surplus.GRID.length];
        var squares = new double[Surplus.GRID.length];
        var surplus = reading.surplus(pair.baseline().values(), pair.other().values());
        var random = new SplittableRandom(seed);
        for (int draw = 0; draw < draws; draw++) {
            noise.redraw(random);
            var redrawn = reading.surplus(noise.baseline, noise.other);
            places[draw] = Surplus.root(redrawn, reading.low());
            for (int i = 0; i < surplus.length; i++) {
                double off = redrawn[i] - surplus[i];
                sums[i] += off;
                squares[i] += off * off;
            }
        }
        Arrays.sort(places);
        double t = TDistribution.of(Math.max(1, noise.blocks() - 1)).inverseSurvivalProbability(0.025);
        var highest = new double[surplus.length];
        var lowest = new double[surplus.length];
        for (int i = 0; i < surplus.length; i++) {
            double mean = sums[i] / draws;
            double deviation = Math.sqrt(Math.max(0, squares[i] / draws - mean * mean));
            lowest[i] = surplus[i] - t * deviation;
            highest[i] = surplus[i] + t * deviation;
        }
        return new Spread(
                first(lowest, reading.low()), Surplus.root(highest, reading.low()), places[draws / 2], noise.block);
    }

    /** The first place at which a bound is not above 0. */
    private static double first(double[] bound, double low) {
        for (int i = 0; i < bound.length; i++) {
            if (Surplus.GRID[i] >= low && bound[i] <= 0) {
                return i == 0 || bound[i - 1] <= 0
                        ? low
                        : Math.max(low, Surplus.between(i - 1, bound[i - 1], bound[i]));
            }
        }
        return Surplus.FARTHEST;
    }

    /** What is smooth and what is not, and room for losses put together anew. */
    private static final class Noise {
        private final double[] baseline;
        private final double[] other;
        private final double[] smoothBaseline;
        private final double[] smoothOther;
        private final double[] ofOther;
        private final double[] ofDifference;
        private final double[] baselineScale;
        private final double[] otherScale;
        private final int[] baselineFrom;
        private final int[] otherFrom;
        private final int[] source;
        private final int block;

        Noise(SeriesPair pair) {
            var differences = pair.differences();
            var otherFitter = new CurveFitter(pair.other());
            var baselineFitter = new CurveFitter(pair.baseline());
            var differenceFitter = new CurveFitter(differences);
            var otherCurve = otherFitter.fit(pair.other().values());
            var baselineCurve = baselineFitter.fit(pair.baseline().values());
            var differenceCurve = differenceFitter.fit(differences.values());
            int skipped = differenceFitter.first();
            int n = pair.common() - skipped;

            ofOther = new double[n];
            ofDifference = new double[n];
            for (int i = 0; i < n; i++) {
                double step = differences.steps()[skipped + i];
                double scale = Math.sqrt(differences.weights()[skipped + i]);
                ofOther[i] = scale * (pair.other().values()[pair.otherCommon()[skipped + i]] - otherCurve.at(step));

                ofDifference[i] = scale * (differences.values()[skipped + i] - differenceCurve.at(step));
            }
            centre(ofOther);
            centre(ofDifference);
            var first = Memory.of(ofOther);
            var second = Memory.of(ofDifference);
            double wanted = Math.max(first.lost(), second.lost()) / LOST;
            int longest = Math.max(1, n / FEWEST_BLOCKS);
            block = (int) Math.clamp(Math.ceil(wanted), Math.min(SHORTEST, longest), longest);
            scale(ofOther, first.givenBack(block) * followed(n, otherCurve));
            scale(ofDifference, second.givenBack(block) * followed(n, differenceCurve));

            smoothOther = pair.other().values().clone();
            smoothBaseline = pair.baseline().values().clone();
            otherFrom = new int[smoothOther.length];
            baselineFrom = new int[smoothBaseline.length];
            int extra = Math.max(
                    places(pair.otherCommon(), skipped, n, otherFitter.first(), otherFrom),
                    places(pair.baselineCommon(), skipped, n, baselineFitter.first(), baselineFrom));
            source = new int[n + extra];
            otherScale = scale(pair.other());
            baselineScale = scale(pair.baseline());
            for (int i = 0; i < smoothOther.length; i++) {
                if (otherFrom[i] >= 0) {
                    smoothOther[i] = otherCurve.at(pair.other().steps()[i]);
                }
            }
            for (int i = 0; i < smoothBaseline.length; i++) {
                double step = pair.baseline().steps()[i];
                if (baselineFrom[i] >= n) {
                    smoothBaseline[i] = baselineCurve.at(step);
                } else if (baselineFrom[i] >= 0) {
                    smoothBaseline[i] = otherCurve.at(step) + differenceCurve.at(step);
                }
            }
            baseline = smoothBaseline.clone();
            other = smoothOther.clone();
        }

        /**
         * A curve follows the noise it is fitted to, and takes as many of its slow swings away as it has degrees of
         * freedom: of so many blocks' means, that many. What is left is too small by this factor.
         */
        private double followed(int n, SmoothCurve curve) {
            double blocks = (double) n / block;
            return Math.sqrt(blocks / Math.max(blocks / 2, blocks - curve.degrees()));
        }

        int blocks() {
            return (ofOther.length + block - 1) / block;
        }

        /**
         * For each row where in the redrawn noise its own comes from: a common step's place among them, then rows of
         * one run alone; -1 for rows before the fit, which stay as they are.
         *
         * @return how many rows are not common
         */
        private static int places(int[] common, int skipped, int n, int first, int[] from) {
            Arrays.fill(from, -1);
            for (int i = 0; i < n; i++) {
                from[common[skipped + i]] = i;
            }
            int extra = 0;
            for (int i = n == 0 ? first : Math.max(first, common[skipped]); i < from.length; i++) {
                if (from[i] < 0) {
                    from[i] = n + extra++;
                }
            }
            return extra;
        }

        private static void scale(double[] values, double factor) {
            for (int i = 0; i < values.length; i++) {
                values[i] *= factor;
            }
        }

        private static double[] scale(Series series) {
            return Arrays.stream(series.weights()).map(w -> 1 / Math.sqrt(w)).toArray();
        }

        void redraw(SplittableRandom random) {
            int pool = ofOther.length;
            int reach = (int) (NEIGHBOURHOOD * pool);
            for (int start = 0; start < source.length; start += block) {
                int centre = Math.min(start, pool - block);
                int low = Math.max(0, centre - reach);
                int high = Math.min(pool - block, centre + reach);
                int from = low + random.nextInt(high - low + 1);
                for (int i = start; i < Math.min(start + block, source.length); i++) {
                    source[i] = from + i - start;
                }
            }
            for (int i = 0; i < other.length; i++) {
                if (otherFrom[i] >= 0) {
                    other[i] = smoothOther[i] + otherScale[i] * ofOther[source[otherFrom[i]]];
                }
            }
            for (int i = 0; i < baseline.length; i++) {
                if (baselineFrom[i] >= 0) {
                    int k = source[baselineFrom[i]];
                    baseline[i] = smoothBaseline[i] + baselineScale[i] * (ofOther[k] + ofDifference[k]);
                }
            }
        }

        private static void centre(double[] values) {
            double mean = Arrays.stream(values).average().orElse(0);
            for (int i = 0; i < values.length; i++) {
                values[i] -= mean;
            }
        }
    }

    /**
     * How noise remembers itself.
     *
     * @param variance the long-run variance over that of a step: 1 + 2 Σ r(k)
     * @param lag 2 Σ k r(k): blocks of b steps lose lag / b of the long-run variance
     */
    private record Memory(double variance, double lag) {
        private static final double LEAST_VARIANCE = 0.2;
        private static final double MOST_GIVEN_BACK = 0.3;

        /** Over the lags up to the first after which three in a row are no more than chance. */
        static Memory of(double[] noise) {
            int n = noise.length;
            double all = Arrays.stream(noise).map(v -> v * v).sum();
            double chance = 2 / Math.sqrt(n);
            double variance = 1;
            double lag = 0;
            int quiet = 0;
            double heldVariance = 0;
            double heldLag = 0;
            for (int k = 1; k < Math.min(MOST_LAGS, n) && quiet < 3 && all > 0; k++) {
                double products = 0;
                for (int i = k; i < n; i++) {
                    products += noise[i] * noise[i - k];
                }
                double r = products / all;
                quiet = Math.abs(r) < chance ? quiet + 1 : 0;
                heldVariance += 2 * r;
                heldLag += 2 * k * r;
                if (quiet == 0) {
                    variance += heldVariance;
                    lag += heldLag;
                    heldVariance = 0;
                    heldLag = 0;
                }
            }
            return new Memory(Math.max(LEAST_VARIANCE, variance), Math.max(0, lag));
        }

        double lost() {
            return lag / variance;
        }

        /** The factor that restores what blocks lose. */
        double givenBack(int block) {
            return 1 / Math.sqrt(1 - Math.min(MOST_GIVEN_BACK, lost() / block));
        }
    }
}
