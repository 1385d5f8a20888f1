package org.mixtureofmamba.eval;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SmoothingTest {
    @Test
    void cutsTheWindowAtBothEnds() {
        var means = new Smoothing(1).apply(new double[] {1, 2, 3, 4}, new double[] {1, 2, 6, 10});
        assertThat(means).containsExactly(1.5, 3, 6, 8);
    }

    @Test
    void spansStepsAndNotRows() {
        var means = new Smoothing(2).apply(new double[] {1, 2, 10, 12}, new double[] {1, 3, 5, 9});
        assertThat(means).containsExactly(2, 2, 7, 7);
    }

    @Test
    void takesOnePercentOfTheBaselineToAnOddWindow() {
        assertThat(Smoothing.of(Curves.run(600, 1, Curves::falling), 0.01).window())
                .isEqualTo(7);
        assertThat(Smoothing.of(Curves.run(2000, 1, Curves::falling), 0.01).window())
                .isEqualTo(21);
        assertThat(Smoothing.of(Curves.run(10, 1, Curves::falling), 0.01).window())
                .isEqualTo(1);
    }

    @Test
    void refusesAWindowThatIsNoShare() {
        var run = Curves.run(10, 1, Curves::falling);
        for (double share : new double[] {-0.1, 0.6, Double.NaN}) {
            assertThatThrownBy(() -> Smoothing.of(run, share)).isInstanceOf(UserException.class);
        }
    }
}
