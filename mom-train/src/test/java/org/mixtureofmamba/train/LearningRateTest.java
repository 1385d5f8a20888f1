package org.mixtureofmamba.train;

import java.util.List;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class LearningRateTest {
    private static final double PEAK = 0.5;
    private static final double LEAST = 0.1;
    private static final long WARMUP = 10;
    private static final long STEPS = 110;
    private static final long DECAY = 20;

    private static LearningRate rate(RunConfig.Schedule schedule, long warmup, long steps) {
        var config = new ConfigReader()
                .of(List.of(
                        "optimizer.lr=" + PEAK,
                        "optimizer.min_lr=" + LEAST,
                        "optimizer.schedule=" + RunConfig.key(schedule),
                        "optimizer.warmup=" + warmup,
                        "optimizer.decay=" + DECAY,
                        "steps=" + steps));
        return new LearningRate(config.optimizer(), config.steps());
    }

    /** The first step already moves the weights, and the last one of the warmup has the peak. */
    @ParameterizedTest
    @EnumSource
    void theWarmupRisesByTheSameAtEachStepToThePeak(RunConfig.Schedule schedule) {
        var rate = rate(schedule, WARMUP, STEPS);
        for (long step = 1; step <= WARMUP; step++) {
            assertThat(rate.at(step)).as("step %d", step).isCloseTo(PEAK * step / WARMUP, within(1e-15));
        }
        assertThat(rate.at(WARMUP + 1)).isLessThanOrEqualTo(PEAK).isGreaterThan(0.99 * PEAK);
        assertThat(rate(schedule, 0, STEPS).at(1)).isLessThanOrEqualTo(PEAK).isGreaterThan(0.99 * PEAK);
    }

    @Test
    void theCosineFallsAtEveryStepFromPeakToLeast() {
        var rate = rate(RunConfig.Schedule.COSINE, WARMUP, STEPS);
        for (long step = WARMUP + 1; step <= STEPS; step++) {
            assertThat(rate.at(step)).as("step %d", step).isLessThan(rate.at(step - 1));
        }
        assertThat(rate.at(WARMUP + (STEPS - WARMUP) / 4))
                .isCloseTo(LEAST + (PEAK - LEAST) * (1 + Math.sqrt(0.5)) / 2, within(1e-15));
        assertThat(rate.at(WARMUP + (STEPS - WARMUP) / 2)).isCloseTo((PEAK + LEAST) / 2, within(1e-15));
        assertThat(rate.at(STEPS)).isCloseTo(LEAST, within(1e-15));
    }

    @Test
    void warmupStableDecay() {
        var rate = rate(RunConfig.Schedule.WSD, WARMUP, STEPS);
        for (long step = WARMUP; step <= STEPS - DECAY; step++) {
            assertThat(rate.at(step)).as("step %d", step).isEqualTo(PEAK);
        }
        for (long step = STEPS - DECAY + 1; step <= STEPS; step++) {
            assertThat(rate.at(step))
                    .as("step %d", step)
                    .isCloseTo(PEAK - (PEAK - LEAST) * (step - (STEPS - DECAY)) / DECAY, within(1e-15));
        }
        assertThat(rate.at(STEPS)).isEqualTo(LEAST);
    }

    /** What makes a run of wsd one that can be extended before its decay, and forked to decay from anywhere. */
    @Test
    void beforeTheDecayALongerRunHasTheSameRates() {
        var rate = rate(RunConfig.Schedule.WSD, WARMUP, STEPS);
        var longer = rate(RunConfig.Schedule.WSD, WARMUP, 3 * STEPS);
        var constant = rate(RunConfig.Schedule.CONSTANT, WARMUP, STEPS);
        assertThat(LongStream.rangeClosed(1, STEPS - DECAY)
                        .allMatch(step -> rate.at(step) == longer.at(step) && rate.at(step) == constant.at(step)))
                .isTrue();
        assertThat(constant.at(STEPS)).isEqualTo(PEAK);
    }
}
