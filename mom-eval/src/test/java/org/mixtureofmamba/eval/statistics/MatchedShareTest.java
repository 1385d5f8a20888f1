package org.mixtureofmamba.eval.statistics;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** What both readings say where the answer is known: without noise, and in cases that no power law is. */
class MatchedShareTest {
    private static final double TAIL = 0.2;

    private static Series curve(int steps, DoubleUnaryOperator loss) {
        return Simulated.series(
                IntStream.rangeClosed(1, steps).mapToDouble(loss::applyAsDouble).toArray());
    }

    private static double training(Series baseline, Series other) {
        var pair = SeriesPair.of(baseline, other);
        return 100 * Math.exp(new PairedDifference(pair, TAIL).place(pair));
    }

    /** Evaluated every {@code every} steps. */
    private static double heldOut(int every, Series baseline, Series other) {
        var pair = SeriesPair.of(evaluated(every, baseline), evaluated(every, other));
        return 100 * Math.exp(new HeldOutCurves(pair).place(pair));
    }

    private static Series evaluated(int every, Series series) {
        var rows = IntStream.range(0, series.size())
                .filter(i -> series.steps()[i] % every == 0)
                .toArray();
        return new Series(
                Arrays.stream(rows).mapToDouble(i -> series.steps()[i]).toArray(),
                Arrays.stream(rows).mapToDouble(i -> series.values()[i]).toArray(),
                Arrays.stream(rows).mapToDouble(i -> 1).toArray(),
                series.end());
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 0.9, 0.6, 0.3476, 0.15})
    void aKnownShareIsFoundWithoutNoise(double share) {
        var baseline = curve(1000, Simulated::loss);
        var other = curve(1000, step -> Simulated.loss(step / share));
        assertThat(training(baseline, other)).isCloseTo(100 * share, within(0.7));
        assertThat(heldOut(20, baseline, other)).isCloseTo(100 * share, within(0.2));
    }

    @Test
    void aRunBesideItselfNeedsAllOfIt() {
        var random = new SplittableRandom(3);
        var pair = new Simulated(600, 1, Simulated.IMAGE).pair(random);
        assertThat(training(pair.other(), pair.other())).isCloseTo(100, within(1e-9));
        assertThat(heldOut(10, pair.other(), pair.other())).isCloseTo(100, within(1e-9));
    }

    /** A plateau in the middle of both runs, as before a skill is learned. */
    @Test
    void plateausAreFollowed() {
        DoubleUnaryOperator stairs =
                step -> 3 - 0.4 * Math.log(step / 1000) - 0.5 / (1 + Math.exp(-(Math.log(step) - Math.log(500)) * 12));
        var baseline = curve(2000, stairs);
        var other = curve(2000, step -> stairs.applyAsDouble(step / 0.7));
        assertThat(training(baseline, other)).isCloseTo(70, within(2.0));
        assertThat(heldOut(50, baseline, other)).isCloseTo(70, within(1.0));
    }

    /** A cosine schedule: losses fall faster in the last part of the run, whichever model it is. */
    @Test
    void theFallOfADecayingLearningRateIsFollowed() {
        DoubleUnaryOperator decay = step -> 0.25 * Math.pow(Math.sin(Math.PI / 2 * step / 2000), 4);
        var baseline = curve(2000, step -> Simulated.loss(step) - decay.applyAsDouble(step));
        var other = curve(2000, step -> Simulated.loss(step / 0.5) - decay.applyAsDouble(step));
        double target = Simulated.loss(2000) - decay.applyAsDouble(2000);
        double truth = IntStream.rangeClosed(1, 2000)
                .filter(step -> Simulated.loss(step / 0.5) - decay.applyAsDouble(step) <= target)
                .findFirst()
                .orElseThrow();
        assertThat(training(baseline, other)).isCloseTo(truth / 20, within(2.0));
        assertThat(heldOut(50, baseline, other)).isCloseTo(truth / 20, within(0.5));
    }

    /** Ahead, then behind: what counts is where both end. */
    @Test
    void aLeadThatIsLostIsNoMatch() {
        var baseline = curve(1000, Simulated::loss);
        var other = curve(1000, step -> Simulated.loss(step) + 0.2 * (step / 1000 - 0.6));
        assertThat(training(baseline, other)).isGreaterThan(105);
        assertThat(heldOut(25, baseline, other)).isGreaterThan(105);
    }

    /** Behind, ahead, behind, ahead. */
    @Test
    void reCrossingsDoNotFoolIt() {
        var baseline = curve(1000, Simulated::loss);
        var other = curve(1000, step -> Simulated.loss(step / 0.8) + 0.03 * Math.sin(step / 80));
        assertThat(training(baseline, other)).isCloseTo(80, within(8.0));
        assertThat(heldOut(25, baseline, other)).isCloseTo(80, within(8.0));
    }

    @Test
    void aRunThatNeverGetsThereIsBeyondTheWhole() {
        var baseline = curve(1000, Simulated::loss);
        var other = curve(1000, step -> Simulated.loss(step / 1.25));
        assertThat(training(baseline, other)).isCloseTo(125, within(2.0));
        assertThat(heldOut(25, baseline, other)).isCloseTo(125, within(4.0));
        var flat = curve(1000, step -> 9);
        assertThat(training(baseline, flat)).isCloseTo(100 * Math.exp(Surplus.FARTHEST), within(1e-6));
    }

    @ParameterizedTest
    @CsvSource({"1000, 700", "700, 1000", "1000, 1500"})
    void runsOfDifferentLengthsAreComparedAtTheBaselinesEnd(int steps, int others) {
        var baseline = curve(steps, Simulated::loss);
        var other = curve(others, step -> Simulated.loss(step / 0.5));
        double place = training(baseline, other) * others / 100;
        assertThat(place).isCloseTo(0.5 * steps, within(0.01 * steps));
        assertThat(heldOut(20, baseline, other) * others / 100).isCloseTo(0.5 * steps, within(0.004 * steps));
    }

    @Test
    void aRunThatStopsBeforeTheMatchIsBeyondItsEnd() {
        var baseline = curve(1000, Simulated::loss);
        var other = curve(400, step -> Simulated.loss(step / 0.6));
        assertThat(training(baseline, other)).isCloseTo(150, within(6.0));
    }

    /** A third of the steps lacks the modality, the last ones too. */
    @Test
    void stepsWithoutTheModalityAreSkipped() {
        var random = new SplittableRandom(11);
        var shares = new double[40];
        for (int i = 0; i < shares.length; i++) {
            var pair = new Simulated(1500, 0.6, Simulated.TEXT).pair(random);
            shares[i] = training(thirdLess(pair.baseline()), thirdLess(pair.other()));
        }
        Arrays.sort(shares);
        assertThat(shares[20]).isCloseTo(60, within(2.0));
    }

    private static Series thirdLess(Series series) {
        var rows = IntStream.range(0, series.size())
                .filter(i -> i % 3 != 1 && i < series.size() - 2)
                .toArray();
        return new Series(
                Arrays.stream(rows).mapToDouble(i -> series.steps()[i]).toArray(),
                Arrays.stream(rows).mapToDouble(i -> series.values()[i]).toArray(),
                Arrays.stream(rows).mapToDouble(i -> 1).toArray(),
                series.end());
    }

    /** Steps of few tokens are noisy and count less. */
    @Test
    void stepsWeighByTheirTokens() {
        double weighted = 0;
        double unweighted = 0;
        for (int run = 0; run < 60; run++) {
            var random = new SplittableRandom(run);
            int steps = 600;
            var tokens = new double[steps];
            Arrays.setAll(tokens, i -> i % 2 == 0 ? 1.9 : 0.1);
            var baseline = new double[steps];
            var other = new double[steps];
            for (int i = 0; i < steps; i++) {
                double size = 0.1 / Math.sqrt(tokens[i]);
                double common = size * random.nextGaussian();
                baseline[i] = Simulated.loss(i + 1) + common + 0.2 * size * random.nextGaussian();
                other[i] = Simulated.loss((i + 1) / 0.7) + common + 0.2 * size * random.nextGaussian();
            }
            var first = Simulated.series(baseline);
            var second = Simulated.series(other);
            unweighted += Math.abs(training(first, second) - 70);
            weighted += Math.abs(training(
                            new Series(first.steps(), baseline, tokens, steps),
                            new Series(second.steps(), other, tokens, steps))
                    - 70);
        }
        assertThat(weighted).isLessThan(0.7 * unweighted);
    }

    @Test
    void aLongRunIsThinnedAndReadTheSame() {
        var random = new SplittableRandom(5);
        var pair = new Simulated(40_000, 0.6, Simulated.IMAGE).pair(random);
        assertThat(pair.common()).isEqualTo(Series.MOST);
        assertThat(100 * Math.exp(new PairedDifference(pair, TAIL).place(pair))).isCloseTo(60, within(4.0));
    }

    @Test
    void theSlopeIsTheShareWhereItIsTheSameAtEveryLoss() {
        var pair = SeriesPair.of(curve(1000, Simulated::loss), curve(1000, step -> Simulated.loss(step / 0.6)));
        var slope = Slope.of(pair).orElseThrow();
        assertThat(slope.steps()).isCloseTo(0.6, within(0.01));
        assertThat(slope.coverage()).isBetween(0.6, 1.0);
        var worse = SeriesPair.of(curve(1000, Simulated::loss), curve(1000, step -> Simulated.loss(step / 1.5)));
        assertThat(Slope.of(worse).orElseThrow().steps()).isCloseTo(1.5, within(0.02));
        assertThat(Slope.of(worse).orElseThrow().coverage()).isLessThan(0.95);
    }

    @Test
    void aHeldOutLossThatTurnsUpwardIsSeen() {
        var random = new SplittableRandom(1);
        var falling = IntStream.range(1, 60)
                .mapToDouble(i -> Simulated.loss(10 * i) + 0.005 * random.nextGaussian())
                .toArray();
        assertThat(Turn.of(falling)).isEmpty();
        var turning = IntStream.range(1, 60)
                .mapToDouble(i -> falling[i - 1] + (i > 30 ? 0.03 * (i - 30) : 0))
                .toArray();
        assertThat(Turn.of(turning).orElseThrow()).isBetween(26, 36);
    }

    @Test
    void theBaselineThatTurnsUpwardIsMetWhereItEnded() {
        DoubleUnaryOperator turning = step -> Simulated.loss(step) + (step > 500 ? 0.002 * (step - 500) : 0);
        var share = heldOut(20, curve(1000, turning), curve(1000, Simulated::loss));
        assertThat(Simulated.loss(10 * share)).isCloseTo(turning.applyAsDouble(1000), within(0.02));
    }

    @Test
    void thePlainReadingCrossesWhereTheLineDoes() {
        var baseline = curve(100, step -> 14 - step / 10);
        var other = curve(100, step -> 14 - step / 5);
        assertThat(PlainCrossing.step(SeriesPair.of(baseline, other)).orElseThrow())
                .isCloseTo(49.75, within(0.5));
        assertThat(PlainCrossing.step(SeriesPair.of(baseline, curve(100, step -> 14))))
                .isEmpty();
    }
}
