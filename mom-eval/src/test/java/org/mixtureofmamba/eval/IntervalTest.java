package org.mixtureofmamba.eval;

import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class IntervalTest {
    private static LossPair pair(RunMetrics baseline, RunMetrics other) {
        return LossPair.of(baseline, other, LossKind.TEXT, Smoothing.of(baseline, 0.01));
    }

    private static LossPair noisy(int steps, double speed, double size, long seed) {
        var shared = Curves.noise(steps, size, seed);
        var first = Curves.noise(steps, size / 3, seed + 1000);
        var second = Curves.noise(steps, size / 3, seed + 2000);
        return pair(
                Curves.run(steps, 1, step -> Curves.falling(step) + shared[(int) step] + first[(int) step]),
                Curves.run(steps, 2, step -> Curves.falling(step * speed) + shared[(int) step] + second[(int) step]));
    }

    @Test
    void pairedSeedsGiveStudentsInterval() {
        var estimate = PairedSeeds.estimate(List.of(new Share.Of(60), new Share.Of(64), new Share.Of(68)));
        assertThat(estimate.value()).isEqualTo(new Share.Of(64));
        var interval = estimate.interval().orElseThrow();
        // t(0.975, 2) = 4.302653; s = 4; s / sqrt(3) = 2.309401
        assertThat(((Share.Of) interval.low()).percent()).isCloseTo(64 - 9.936551, within(1e-5));
        assertThat(((Share.Of) interval.high()).percent()).isCloseTo(64 + 9.936551, within(1e-5));
        assertThat(interval.basis()).isEqualTo(Interval.Basis.SEEDS);
        assertThat(estimate.text()).isEqualTo("64.0 % (54.1 to 73.9)");
    }

    @Test
    void aSeedThatNeverMatchedMakesTheMeanABoundWithoutInterval() {
        var estimate = PairedSeeds.estimate(List.of(new Share.Of(60), new Share.MoreThan(100), new Share.Of(80)));
        assertThat(estimate.value()).isEqualTo(new Share.MoreThan(80));
        assertThat(estimate.interval()).isEmpty();
        assertThat(estimate.text()).isEqualTo("> 80 %");
    }

    @Test
    void oneSeedHasNoIntervalOverSeeds() {
        assertThat(PairedSeeds.estimate(List.of(new Share.Of(60))).interval()).isEmpty();
    }

    @Test
    void theBootstrapIsDeterministicLabelledAndHoldsTheEstimate() {
        var pair = noisy(600, 1.25, 0.03, 1);
        var bootstrap = new BlockBootstrap(400, 5);
        var interval = bootstrap.intervals(pair).costs().get(Cost.FLOPS);
        assertThat(bootstrap.intervals(pair).costs().get(Cost.FLOPS)).isEqualTo(interval);
        assertThat(interval.basis().title()).isEqualTo("block bootstrap, one seed");
        double low = ((Share.Of) interval.low()).percent();
        double high = ((Share.Of) interval.high()).percent();
        assertThat(high - low).isBetween(1.0, 40.0);
        var estimate = (Share.Of) MatchedLoss.of(pair, LossKind.TEXT).costs().get(Cost.FLOPS);
        assertThat(estimate.percent()).isBetween(low, high);
        assertThat(new BlockBootstrap(400, 6).intervals(pair)).isNotEqualTo(bootstrap.intervals(pair));
    }

    @Test
    void theBootstrapCoversTheTruthInMostRuns() {
        int covered = 0;
        int runs = 60;
        for (int seed = 0; seed < runs; seed++) {
            var interval = new BlockBootstrap(200, seed)
                    .intervals(noisy(600, 1.25, 0.03, seed))
                    .costs()
                    .get(Cost.FLOPS);
            double low = ((Share.Of) interval.low()).percent();
            double high = interval.high() instanceof Share.Of(double percent) ? percent : Double.POSITIVE_INFINITY;
            covered += low <= 80 && 80 <= high ? 1 : 0;
        }
        assertThat(covered).isGreaterThanOrEqualTo((int) (0.88 * runs));
    }

    @Test
    void drawsThatNeverMatchLieBeyondTheRun() {
        var interval = new BlockBootstrap(200, 0)
                .intervals(noisy(600, 1.0, 0.1, 3))
                .costs()
                .get(Cost.WALL_CLOCK);
        assertThat(interval.high()).isEqualTo(new Share.MoreThan(200));
        assertThat(interval.text()).endsWith("to > 200");
    }

    @Test
    void curvesWithoutNoiseHaveANarrowInterval() {
        var pair = pair(Curves.run(2000, 1, Curves::falling), Curves.run(2000, 1, step -> Curves.falling(2 * step)));
        var interval = new BlockBootstrap(200, 0).intervals(pair).costs().get(Cost.FLOPS);
        assertThat(((Share.Of) interval.low()).percent()).isCloseTo(50, within(1.0));
        assertThat(((Share.Of) interval.high()).percent()).isCloseTo(50, within(1.0));
    }
}
