package org.mixtureofmamba.eval;

import java.util.Arrays;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class MatchedLossTest {
    private static final Smoothing NONE = new Smoothing(0);

    private static double percent(Share share) {
        assertThat(share).isInstanceOf(Share.Of.class);
        return ((Share.Of) share).percent();
    }

    private static MatchedLoss text(RunMetrics baseline, RunMetrics other, Smoothing smoothing) {
        return MatchedLoss.of(baseline, other, LossKind.TEXT, smoothing);
    }

    @Test
    void interpolatesTheMatchBetweenTwoSteps() {
        // The baseline ends at 4; the other falls from 5 to 3 between its steps 5 and 6, and passes 4 halfway.
        var baseline = Curves.run(10, 1, step -> 14 - step);
        var other = Curves.run(10, 3, step -> step <= 5 ? 5 + (5 - step) : 3 - 0.1 * (step - 6));
        var result = text(baseline, other, NONE);
        assertThat(result.target()).isEqualTo(4);
        assertThat(result.match()).isEqualTo(new Match.Reached(5.5));
        assertThat(percent(result.costs().get(Cost.FLOPS))).isCloseTo(55, within(1e-9));
        assertThat(percent(result.costs().get(Cost.STEPS))).isCloseTo(55, within(1e-9));
        assertThat(percent(result.costs().get(Cost.WALL_CLOCK))).isCloseTo(165, within(1e-9));
        assertThat(result.costs().get(Cost.ENERGY)).isEqualTo(new Share.NotMeasured());
        assertThat(result.reached()).isCloseTo(2.6, within(1e-12));
        assertThat(result.gain()).isCloseTo(1.4, within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 10})
    void identicalRunsNeedExactlyTheWhole(int half) {
        var run = Curves.run(600, 0.5, Curves::falling);
        var result = text(run, run, new Smoothing(half));
        for (var cost : new Cost[] {Cost.FLOPS, Cost.STEPS, Cost.WALL_CLOCK}) {
            assertThat(percent(result.costs().get(cost))).isCloseTo(100, within(1e-9));
        }
        assertThat(percent(result.slope())).isCloseTo(100, within(1e-9));
        assertThat(result.gain()).isZero();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1.25, 2, 4})
    void aRunThatLearnsKTimesAsFastNeedsOneKth(double k) {
        var baseline = Curves.run(2000, 1, Curves::falling);
        var other = Curves.run(2000, 1, step -> Curves.falling(k * step));
        var result = text(baseline, other, Smoothing.of(baseline, 0.01));
        assertThat(percent(result.costs().get(Cost.FLOPS))).isCloseTo(100 / k, within(0.5));
        assertThat(percent(result.slope())).isCloseTo(100 / k, within(0.5));
    }

    @Test
    void theSlopeIsExactWithoutSmoothing() {
        var baseline = Curves.run(2000, 1, Curves::falling);
        var other = Curves.run(2000, 1, step -> Curves.falling(2 * step));
        assertThat(percent(text(baseline, other, NONE).slope())).isCloseTo(50, within(1e-3));
    }

    @Test
    void aSlowerRunNeverMatchesAndSaysSo() {
        var baseline = Curves.run(500, 1, Curves::falling);
        var other = Curves.run(500, 2, step -> Curves.falling(0.8 * step));
        var result = text(baseline, other, Smoothing.of(baseline, 0.01));
        assertThat(result.match()).isEqualTo(new Match.NotReached(500));
        assertThat(result.costs().get(Cost.FLOPS).text()).isEqualTo("> 100 %");
        assertThat(result.costs().get(Cost.WALL_CLOCK).text()).isEqualTo("> 200 %");
        assertThat(result.gain()).isNegative();
        assertThat(percent(result.slope())).isCloseTo(125, within(0.5));
    }

    @Test
    void aRunThatStoppedEarlyClaimsNoMoreThanItSpent() {
        var baseline = Curves.run(500, 1, Curves::falling);
        var other = Curves.run(200, 1, step -> Curves.falling(1.2 * step));
        var result = text(baseline, other, NONE);
        assertThat(result.costs().get(Cost.FLOPS).text()).isEqualTo("> 40 %");
        assertThat(result.gainStep()).isEqualTo(200);
        assertThat(result.gain()).isCloseTo(Curves.falling(200) - Curves.falling(240), within(1e-12));
    }

    @Test
    void aLongerRunMayMatchBeyondTheWhole() {
        var baseline = Curves.run(500, 1, Curves::falling);
        var other = Curves.run(800, 1, step -> Curves.falling(0.8 * step));
        assertThat(percent(text(baseline, other, NONE).costs().get(Cost.FLOPS))).isCloseTo(125, within(0.3));
    }

    @Test
    void aDipThatDoesNotLastIsNoMatch() {
        var baseline = Curves.run(1000, 1, step -> 5 - step / 500);
        var other = Curves.run(1000, 1, step -> step == 300 ? 2.5 : 5 - step / 400);
        var withWindow = text(baseline, other, new Smoothing(5));
        assertThat(percent(withWindow.costs().get(Cost.FLOPS))).isCloseTo(80, within(1.0));
        assertThat(percent(text(baseline, other, NONE).costs().get(Cost.FLOPS))).isCloseTo(30, within(0.1));
    }

    @ParameterizedTest
    @CsvSource({"0.03, 3", "0.06, 6"})
    void noiseMovesTheMatchLittle(double size, double tolerance) {
        int steps = 2000;
        for (long seed = 0; seed < 5; seed++) {
            var shared = Curves.noise(steps, size, seed);
            var own = Curves.noise(steps, size / 4, seed + 100);
            var baseline = Curves.run(steps, 1, step -> Curves.falling(step) + shared[(int) step]);
            var other = Curves.run(steps, 1, step -> Curves.falling(step / 0.7) + shared[(int) step] + own[(int) step]);
            var result = text(baseline, other, Smoothing.of(baseline, 0.01));
            assertThat(percent(result.costs().get(Cost.FLOPS))).isCloseTo(70, within(2 * tolerance));
            assertThat(percent(result.slope())).isCloseTo(70, within(tolerance));
        }
    }

    @Test
    void stepsWithoutAModalityAreSkipped() {
        var baseline = Curves.columns(1000, 1, Curves::falling);
        var other = Curves.columns(1000, 1, step -> Curves.falling(2 * step));
        for (var columns : Arrays.asList(baseline, other)) {
            for (int i = 0; i < 1000; i++) {
                if (i % 3 == 1 || i >= 998) {
                    columns.get(Column.LOSS_TEXT)[i] = Double.NaN;
                }
            }
        }
        var result = text(metrics(baseline), metrics(other), new Smoothing(5));
        assertThat(percent(result.costs().get(Cost.FLOPS))).isCloseTo(50, within(0.5));
    }

    @Test
    void energyIsComparedWhereBothMeasuredIt() {
        var baseline = Curves.columns(100, 1, step -> 10 - step / 100);
        var other = Curves.columns(100, 1, step -> 10 - step / 50);
        for (int i = 0; i < 100; i++) {
            baseline.get(Column.ENERGY_J)[i] = 20.0 * (i + 1);
            other.get(Column.ENERGY_J)[i] = 30.0 * (i + 1);
        }
        var result = text(metrics(baseline), metrics(other), NONE);
        assertThat(percent(result.costs().get(Cost.ENERGY))).isCloseTo(75, within(1e-9));
    }

    @Test
    void aLossThatOneRunNeverMeasuredIsAnError() {
        var run = Curves.run(10, 1, Curves::falling);
        assertThatThrownBy(() -> MatchedLoss.of(run, run, LossKind.SPEECH, NONE))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("synthetic.csv never measures loss_speech");
    }

    @Test
    void aRunOfOneStepComparesWithItself() {
        var run = Curves.run(1, 1, Curves::falling);
        assertThat(percent(text(run, run, NONE).costs().get(Cost.FLOPS))).isEqualTo(100);
    }

    private static RunMetrics metrics(Map<Column, double[]> columns) {
        return RunMetrics.of(java.nio.file.Path.of("synthetic.csv"), columns);
    }
}
