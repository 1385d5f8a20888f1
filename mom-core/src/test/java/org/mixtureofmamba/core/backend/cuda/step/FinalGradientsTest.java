package org.mixtureofmamba.core.backend.cuda.step;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.StepSchedule.Span;

import static org.assertj.core.api.Assertions.assertThat;

class FinalGradientsTest {
    private static final long LARGE = 1 << 20;

    private final FinalGradients gradients = new FinalGradients();

    private static Span span(long from, long to) {
        return new Span(from * LARGE, to * LARGE);
    }

    @Test
    void whatIsFinalIsTakenOnce() {
        gradients.add(span(8, 10));
        assertThat(gradients.takeUnsummed()).contains(span(8, 10));
        assertThat(gradients.takeUnsummed()).isEmpty();
        gradients.add(span(5, 8));
        gradients.add(span(4, 5));
        assertThat(gradients.takeUnsummed()).contains(span(4, 8));
        assertThat(gradients.sums()).isEqualTo(2);
        assertThat(gradients.summed()).isEqualTo(span(4, 10));
    }

    @Test
    void whatDoesNotAdjoinIsLeftToTheEnd() {
        gradients.add(span(8, 10));
        gradients.add(span(1, 3));
        assertThat(gradients.takeUnsummed()).contains(span(8, 10));
        assertThat(gradients.takeUnsummed()).isEmpty();
        assertThat(gradients.holds(span(1, 3))).isFalse();
        assertThat(gradients.holds(span(9, 10))).isTrue();
    }

    @Test
    void whatIsSmallWaitsForMore() {
        gradients.add(new Span(1000, 1100));
        assertThat(gradients.takeUnsummed()).isEmpty();
        assertThat(gradients.sums()).isZero();
    }

    @Test
    void aStepBeginsWithNothing() {
        gradients.add(span(8, 10));
        gradients.takeUnsummed();
        gradients.begin();
        assertThat(gradients.sums()).isZero();
        assertThat(gradients.holds(span(8, 10))).isFalse();
    }
}
