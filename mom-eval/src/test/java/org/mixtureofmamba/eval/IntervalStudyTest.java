package org.mixtureofmamba.eval;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.AtomicFiles;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How often the interval of one seed holds the truth, on curves whose match is known; the table is
 * benchmarks/matched-loss.md.
 */
@Tag("slow")
class IntervalStudyTest {
    private static final int RUNS = 100;
    private static final int DRAWS = 200;

    private record Setting(int steps, double speed, double noise, double shared, double window) {}

    @Test
    void coversTheTruthWhateverTheNoise() {
        var table = new StringBuilder("""
            | steps | noise, nats | shared by both runs | window | truth | match, mean ± deviation | interval holds truth | slope, mean ± deviation |
            |--:|--:|--:|--:|--:|--:|--:|--:|
            """);
        for (var setting : new Setting[] {
            new Setting(300, 1 / 0.8, 0.05, 0.9, 0.01),
            new Setting(600, 1 / 0.8, 0.03, 0.9, 0.01),
            new Setting(600, 1 / 0.8, 0.06, 0.9, 0.01),
            new Setting(600, 1 / 0.9, 0.1, 0.5, 0.01),
            new Setting(2000, 1 / 0.65, 0.05, 0.9, 0.01),
            new Setting(600, 1, 0.03, 0.9, 0.01),
            new Setting(600, 1 / 0.75, 0.3, 0.95, 0.01),
            new Setting(600, 1 / 0.75, 0.3, 0.95, 0.05)
        }) {
            var matches = new double[RUNS];
            var slopes = new double[RUNS];
            int held = 0;
            double truth = 100 / setting.speed();
            for (int run = 0; run < RUNS; run++) {
                var pair = pair(setting, run);
                var result = MatchedLoss.of(pair, LossKind.TEXT);
                matches[run] = share(result.costs().get(Cost.FLOPS), 100);
                slopes[run] = share(result.slope(), Double.NaN);
                var interval =
                        new BlockBootstrap(DRAWS, run).intervals(pair).costs().get(Cost.FLOPS);
                double high = share(interval.high(), Double.POSITIVE_INFINITY);
                held += share(interval.low(), 100) <= truth && truth <= high ? 1 : 0;
            }
            table.append(String.format(
                    Locale.ROOT,
                    "| %d | %.2f | %.0f %% | %.0f %% | %.1f %% | %s | %d of %d | %s |%n",
                    setting.steps(),
                    setting.noise(),
                    100 * setting.shared(),
                    100 * setting.window(),
                    truth,
                    spread(matches),
                    held,
                    RUNS,
                    spread(slopes)));
            assertThat(held).as("%s", setting).isGreaterThanOrEqualTo((int) (0.9 * RUNS));
        }
        AtomicFiles.writeString(Path.of("target/interval-study.md"), table.toString());
    }

    private static String spread(double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        double variance = Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .average()
                .orElseThrow();
        return String.format(Locale.ROOT, "%.1f ± %.1f", mean, Math.sqrt(variance));
    }

    private static double share(Share share, double beyond) {
        return share instanceof Share.Of(double percent) ? percent : beyond;
    }

    private static LossPair pair(Setting setting, int run) {
        int steps = setting.steps();
        double own = setting.noise() * Math.sqrt(1 - setting.shared());
        var both = Curves.noise(steps, setting.noise() * Math.sqrt(setting.shared()), 3L * run);
        var first = Curves.noise(steps, own, 3L * run + 1);
        var second = Curves.noise(steps, own, 3L * run + 2);
        var baseline = Curves.run(steps, 1, step -> Curves.falling(step) + both[(int) step] + first[(int) step]);
        var other = Curves.run(
                steps, 1, step -> Curves.falling(setting.speed() * step) + both[(int) step] + second[(int) step]);
        return LossPair.of(baseline, other, LossKind.TEXT, Smoothing.of(baseline, setting.window()));
    }
}
