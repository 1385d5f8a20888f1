package org.mixtureofmamba.eval;

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

    private record Setting(int steps, double speed, double noise, double shared) {}

    @Test
    void coversTheTruthWhateverTheNoise() {
        var table = new StringBuilder("""
            | steps | truth | noise, nats | shared by both runs | mean estimate | deviation | interval holds the truth |
            |--:|--:|--:|--:|--:|--:|--:|
            """);
        for (var setting : new Setting[] {
            new Setting(300, 1 / 0.8, 0.05, 0.9),
            new Setting(600, 1 / 0.8, 0.03, 0.9),
            new Setting(600, 1 / 0.8, 0.06, 0.9),
            new Setting(600, 1 / 0.9, 0.1, 0.5),
            new Setting(2000, 1 / 0.65, 0.05, 0.9),
            new Setting(600, 1, 0.03, 0.9)
        }) {
            var estimates = new double[RUNS];
            int held = 0;
            double truth = 100 / setting.speed();
            for (int run = 0; run < RUNS; run++) {
                var pair = pair(setting, run);
                estimates[run] =
                        share(MatchedLoss.of(pair, LossKind.TEXT).costs().get(Cost.FLOPS), 100);
                var interval =
                        new BlockBootstrap(DRAWS, run).intervals(pair).costs().get(Cost.FLOPS);
                double high = share(interval.high(), Double.POSITIVE_INFINITY);
                held += share(interval.low(), 100) <= truth && truth <= high ? 1 : 0;
            }
            double mean = 0;
            double squares = 0;
            for (double estimate : estimates) {
                mean += estimate / RUNS;
                squares += estimate * estimate / RUNS;
            }
            table.append(String.format(
                    Locale.ROOT,
                    "| %d | %.1f %% | %.2f | %.0f %% | %.1f %% | %.1f | %.1f %% |%n",
                    setting.steps(),
                    truth,
                    setting.noise(),
                    100 * setting.shared(),
                    mean,
                    Math.sqrt(squares - mean * mean),
                    100.0 * held / RUNS));
            assertThat(100.0 * held / RUNS).as("%s", setting).isGreaterThanOrEqualTo(90);
        }
        AtomicFiles.writeString(java.nio.file.Path.of("target/interval-study.md"), table.toString());
    }

    private static double share(Share share, double beyond) {
        return share instanceof Share.Of(double percent) ? percent : beyond;
    }

    private static LossPair pair(Setting setting, int run) {
        double own = setting.noise() * Math.sqrt(1 - setting.shared());
        var both = Curves.noise(setting.steps(), setting.noise() * Math.sqrt(setting.shared()), 3L * run);
        var first = Curves.noise(setting.steps(), own, 3L * run + 1);
        var second = Curves.noise(setting.steps(), own, 3L * run + 2);
        var baseline =
                Curves.run(setting.steps(), 1, step -> Curves.falling(step) + both[(int) step] + first[(int) step]);
        var other = Curves.run(
                setting.steps(),
                1,
                step -> Curves.falling(setting.speed() * step) + both[(int) step] + second[(int) step]);
        return LossPair.of(baseline, other, LossKind.TEXT, Smoothing.of(baseline, Smoothing.DEFAULT_SHARE));
    }
}
