package org.mixtureofmamba.train.watch;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class CurveTest {
    @Test
    void aShortCurveIsKeptPointByPoint() {
        var curve = new Curve(4);
        for (int step = 1; step <= 4; step++) {
            curve.add(step, 10 * step);
        }
        assertThat(curve.points().toString()).isEqualTo("[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]");
    }

    /** On a straight line every mean lies on the line, so no value is lost or counted twice. */
    @Test
    void aLongCurveIsMeansOfStepsInARow() {
        for (int most : new int[] {2, 5, 100}) {
            var curve = new Curve(most);
            for (int step = 1; step <= 12_345; step++) {
                curve.add(step, 3.0 * step + 1);
            }
            var points = curve.points();
            assertThat(points).hasSizeBetween(most / 2, most);
            assertThat(points)
                    .allSatisfy(point -> assertThat(point.getLast()).isCloseTo(3 * point.getFirst() + 1, within(1e-6)));
            assertThat(points).isSortedAccordingTo((a, b) -> Double.compare(a.getFirst(), b.getFirst()));
        }
    }
}
