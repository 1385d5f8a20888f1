package org.mixtureofmamba.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.mixtureofmamba.eval.statistics.BlockBootstrap;
import org.mixtureofmamba.eval.statistics.HeldOutCurves;
import org.mixtureofmamba.eval.statistics.PairedDifference;
import org.mixtureofmamba.eval.statistics.PlainCrossing;
import org.mixtureofmamba.eval.statistics.Reading;
import org.mixtureofmamba.eval.statistics.Seeds;
import org.mixtureofmamba.eval.statistics.SeriesPair;
import org.mixtureofmamba.eval.statistics.Slope;
import org.mixtureofmamba.eval.statistics.Surplus;

/** Reads one loss of paired runs in every way there is, and turns places along a run into shares of what it cost. */
final class MatchReader {
    /** Runs of so few steps get no figure: their tail holds a dozen steps, most of them of the warm-up. */
    static final int SHORT_RUN = 60;
    /** The fewest held-out evaluations a headline rests on. */
    static final int FEWEST_EVALUATIONS = 40;

    private static final double[] TAILS = {0.5, 1, 1.5};
    private static final int ENDS = 16;
    private static final double FIRST_END = 0.25;
    private static final double ROUNDING = 1e-9;

    private final List<RunPair> pairs;
    private final LossKind kind;
    private final Comparison.Options options;
    private final List<Spending> spendings;

    MatchReader(List<RunPair> pairs, LossKind kind, boolean byMedianStep, Comparison.Options options) {
        this.pairs = pairs;
        this.kind = kind;
        this.options = options;
        this.spendings =
                pairs.stream().map(pair -> Spending.of(pair, byMedianStep)).toList();
    }

    Row row() {
        var training = pairs.stream()
                .map(pair -> SeriesPair.of(
                        LossSeries.training(pair.baseline().metrics(), kind),
                        LossSeries.training(pair.other().metrics(), kind)))
                .toList();
        var whyNot = tooShort().or(() -> tooSparse(training));
        Function<SeriesPair, PairedDifference> reading = pair -> new PairedDifference(pair, options.tail());
        Outcome outcome = whyNot.isPresent()
                ? new Outcome.Unread(whyNot.get())
                : new Outcome.Read(matched(training, reading, trainingLevels(training, reading)));
        boolean read = whyNot.isEmpty();
        var slopes = read
                ? training.stream().map(Slope::of).flatMap(Optional::stream).toList()
                : List.<Slope>of();
        return new Row(
                kind,
                heldOut(),
                outcome,
                read ? plain(training) : Map.of(),
                slopes.size() == pairs.size() ? Optional.of(slope(slopes)) : Optional.empty(),
                slopes.stream().mapToDouble(Slope::coverage).min().orElse(0),
                read ? sensitivity(training) : List.of(),
                read ? along(training.getFirst()) : List.of());
    }

    private Optional<String> tooShort() {
        double steps = pairs.stream()
                .flatMap(pair -> Stream.of(pair.baseline(), pair.other()))
                .mapToDouble(run -> run.metrics().last(Column.STEP).orElseThrow())
                .min()
                .orElseThrow();
        return steps > SHORT_RUN
                ? Optional.empty()
                : Optional.of(
                        "a run of %.0f steps is too short to tell; train for more than %d".formatted(steps, SHORT_RUN));
    }

    private static Optional<String> tooSparse(List<SeriesPair> training) {
        int common = training.stream().mapToInt(SeriesPair::common).min().orElseThrow();
        return common > SHORT_RUN
                ? Optional.empty()
                : Optional.of("the runs log it at %d common steps, more than %d are needed; log the same steps in both"
                        .formatted(common, SHORT_RUN));
    }

    private Outcome heldOut() {
        var whyNot = tooShort();
        if (whyNot.isPresent()) {
            return new Outcome.Unread(whyNot.get());
        }
        var curves = new ArrayList<SeriesPair>();
        for (var pair : pairs) {
            var first = LossSeries.heldOut(pair.baseline(), kind);
            var second = LossSeries.heldOut(pair.other(), kind);
            if (first.isEmpty() || second.isEmpty()) {
                var without = first.isEmpty() ? pair.baseline() : pair.other();
                return new Outcome.Unread("%s has no held-out loss of it".formatted(without.directory()));
            }
            long tokens = tokens(pair.baseline());
            long others = tokens(pair.other());
            if (tokens != others) {
                return new Outcome.Unread(
                        "the runs were tried on %,d and %,d held-out tokens; give both the same eval.batches"
                                .formatted(tokens, others));
            }
            var curve = SeriesPair.of(first.get(), second.get());
            if (curve.common() < FEWEST_EVALUATIONS) {
                return new Outcome.Unread(
                        "%d common held-out evaluations, at least %d are needed; evaluate every %.0f steps"
                                .formatted(
                                        curve.common(),
                                        FEWEST_EVALUATIONS,
                                        Math.max(1, Math.floor(curve.baseline().end() / FEWEST_EVALUATIONS))));
            }
            curves.add(curve);
        }
        return new Outcome.Read(matched(curves, HeldOutCurves::new, heldOutLevels(curves)));
    }

    private long tokens(Run run) {
        return run.heldOut()
                .flatMap(heldOut -> heldOut.last(kind))
                .orElseThrow()
                .tokens();
    }

    private Levels trainingLevels(List<SeriesPair> curves, Function<SeriesPair, PairedDifference> reading) {
        var gains = new double[curves.size()];
        double other = 0;
        for (int i = 0; i < gains.length; i++) {
            var read = reading.apply(curves.get(i));
            gains[i] = read.gain(
                    curves.get(i).baseline().values(), curves.get(i).other().values());
            other += read.otherEnd() / gains.length;
        }
        return levels(other, gains);
    }

    private Levels heldOutLevels(List<SeriesPair> curves) {
        var gains = new double[curves.size()];
        double other = 0;
        for (int i = 0; i < gains.length; i++) {
            var read = new HeldOutCurves(curves.get(i));
            double end = read.otherEnd(curves.get(i).other().values());
            gains[i] = read.target(curves.get(i).baseline().values()) - end;
            other += end / gains.length;
        }
        return levels(other, gains);
    }

    private static Levels levels(double other, double[] gains) {
        var gain = Seeds.student(gains);
        return new Levels(other + gain.mean(), other, gain.mean(), gain.half());
    }

    private Matched matched(List<SeriesPair> curves, Function<SeriesPair, ? extends Reading> reading, Levels levels) {
        var readings = curves.stream().map(reading).toList();
        var places = IntStream.range(0, curves.size())
                .mapToDouble(i -> readings.get(i).place(curves.get(i)))
                .toArray();
        var costs = new EnumMap<Cost, Estimate>(Cost.class);
        if (curves.size() == 1) {
            var spread =
                    new BlockBootstrap(options.draws(), options.seed()).spread(curves.getFirst(), readings.getFirst());
            for (var cost : Cost.values()) {
                costs.put(cost, oneSeed(cost, places[0], readings.getFirst().low(), spread));
            }
        } else {
            double low = readings.stream().mapToDouble(Reading::low).max().orElseThrow();
            for (var cost : Cost.values()) {
                costs.put(cost, severalSeeds(cost, curves, reading, places, low));
            }
        }
        var seeds = IntStream.range(0, curves.size())
                .mapToObj(i -> share(i, Cost.STEPS, places[i], readings.get(i).low()))
                .toList();
        var steps = IntStream.range(0, curves.size())
                .mapToObj(i -> curves.get(i).other().end() * Math.exp(places[i]))
                .toList();
        return new Matched(levels, costs, seeds, steps);
    }

    private Estimate oneSeed(Cost cost, double place, double low, BlockBootstrap.Spread spread) {
        var value = share(0, cost, place, low);
        if (value instanceof Share.NotMeasured) {
            return Estimate.bare(value);
        }
        var interval = new Interval(
                share(0, cost, spread.low(), low),
                share(0, cost, spread.high(), low),
                Interval.Basis.BLOCK_BOOTSTRAP,
                options.draws());
        return new Estimate(
                value, Optional.of(interval), Optional.of(share(0, cost, spread.median(), low)), Optional.empty());
    }

    private Estimate severalSeeds(
            Cost cost,
            List<SeriesPair> curves,
            Function<SeriesPair, ? extends Reading> reading,
            double[] places,
            double low) {
        int n = places.length;
        var logs = new double[n];
        double whole = 0;
        for (int i = 0; i < n; i++) {
            logs[i] = Math.log(percent(i, cost, places[i]));
            whole += Math.log(spendings.get(i).whole(cost)) / n;
        }
        if (Double.isNaN(whole) || Arrays.stream(logs).anyMatch(Double::isNaN)) {
            return Estimate.bare(new Share.NotMeasured());
        }
        double rate = IntStream.range(0, n)
                .mapToDouble(i -> logs[i] - places[i])
                .average()
                .orElseThrow();
        var mean = Seeds.student(logs);
        var jackknife = Seeds.jackknife(curves, some -> {
            var average = SeriesPair.mean(some);
            return rate + reading.apply(average).place(average);
        });
        double limit = whole;
        boolean outOfSight = Arrays.stream(places).anyMatch(place -> place >= Surplus.FARTHEST || place <= low);
        return new Estimate(
                outOfSight && Arrays.stream(places).anyMatch(place -> place >= Surplus.FARTHEST)
                        ? new Share.MoreThan(Math.exp(Math.min(limit, mean.mean())))
                        : bounded(mean.mean(), limit),
                outOfSight ? Optional.empty() : interval(mean, limit, Interval.Basis.SEEDS, n),
                Optional.of(bounded(jackknife.mean(), limit)),
                interval(jackknife, limit, Interval.Basis.JACKKNIFE, n));
    }

    private static Optional<Interval> interval(Seeds.Mean mean, double limit, Interval.Basis basis, int n) {
        OptionalDouble half = mean.half();
        return half.isEmpty()
                ? Optional.empty()
                : Optional.of(new Interval(
                        bounded(mean.mean() - half.getAsDouble(), limit),
                        bounded(mean.mean() + half.getAsDouble(), limit),
                        basis,
                        n));
    }

    /** The share of a logarithm of percent; beyond what the run spent, that much is all that is known. */
    private static Share bounded(double log, double limit) {
        return log > limit + ROUNDING ? new Share.MoreThan(Math.exp(limit)) : new Share.Of(Math.exp(log));
    }

    private double percent(int seed, Cost cost, double place) {
        double end = pairs.get(seed).other().metrics().last(Column.STEP).orElseThrow();
        return spendings.get(seed).percent(cost, end * Math.exp(place));
    }

    private Share share(int seed, Cost cost, double place, double low) {
        double percent = percent(seed, cost, Math.min(0, place));
        if (Double.isNaN(percent)) {
            return new Share.NotMeasured();
        }
        return place > ROUNDING
                ? new Share.MoreThan(percent)
                : place <= low ? new Share.LessThan(percent) : new Share.Of(percent);
    }

    private Map<Cost, Share> plain(List<SeriesPair> training) {
        var shares = new EnumMap<Cost, Share>(Cost.class);
        for (var cost : Cost.values()) {
            double sum = 0;
            boolean all = true;
            for (int i = 0; i < training.size(); i++) {
                var step = PlainCrossing.step(training.get(i));
                all &= step.isPresent();
                sum += step.isPresent()
                        ? spendings.get(i).percent(cost, step.getAsDouble())
                        : spendings.get(i).whole(cost);
            }
            double mean = sum / training.size();
            shares.put(
                    cost,
                    Double.isNaN(mean) ? new Share.NotMeasured() : all ? new Share.Of(mean) : new Share.MoreThan(mean));
        }
        return shares;
    }

    /** In FLOPs: steps times what a step of each costs. */
    private Estimate slope(List<Slope> slopes) {
        var logs = new double[slopes.size()];
        for (int i = 0; i < logs.length; i++) {
            var spending = spendings.get(i);
            double ratio = spending.whole(Cost.FLOPS) / spending.whole(Cost.STEPS);
            logs[i] = Math.log(100 * slopes.get(i).steps() * ratio);
        }
        var mean = Seeds.student(logs);
        return new Estimate(
                new Share.Of(Math.exp(mean.mean())),
                mean.half().isEmpty()
                        ? Optional.empty()
                        : Optional.of(new Interval(
                                new Share.Of(Math.exp(mean.mean() - mean.half().getAsDouble())),
                                new Share.Of(Math.exp(mean.mean() + mean.half().getAsDouble())),
                                Interval.Basis.SEEDS,
                                logs.length)),
                Optional.empty(),
                Optional.empty());
    }

    private List<Row.AtTail> sensitivity(List<SeriesPair> training) {
        var found = new ArrayList<Row.AtTail>();
        for (double factor : TAILS) {
            double tail = factor * options.tail();
            double sum = 0;
            boolean beyond = false;
            for (int i = 0; i < training.size(); i++) {
                double place = new PairedDifference(training.get(i), tail).place(training.get(i));
                beyond |= place > ROUNDING;
                sum += Math.log(percent(i, Cost.FLOPS, Math.min(0, place))) / training.size();
            }
            found.add(new Row.AtTail(tail, beyond ? new Share.MoreThan(Math.exp(sum)) : new Share.Of(Math.exp(sum))));
        }
        return found;
    }

    private List<Row.AtEnd> along(SeriesPair training) {
        var found = new ArrayList<Row.AtEnd>();
        for (int i = 0; i < ENDS; i++) {
            double end = FIRST_END + (1 - FIRST_END) * i / (ENDS - 1);
            double step = Math.round(end * training.commonEnd());
            var pair = training.upTo(step);
            if (pair.common() <= SHORT_RUN) {
                continue;
            }
            var reading = new PairedDifference(pair, options.tail());
            double place = reading.place(pair);
            double percent = 100 * Math.exp(Math.min(0, place));
            found.add(new Row.AtEnd(
                    step / training.baseline().end(),
                    place > ROUNDING
                            ? new Share.MoreThan(percent)
                            : place <= reading.low() ? new Share.LessThan(percent) : new Share.Of(percent)));
        }
        return found;
    }
}
