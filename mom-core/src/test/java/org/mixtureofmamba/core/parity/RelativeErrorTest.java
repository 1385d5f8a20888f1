package org.mixtureofmamba.core.parity;

import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.parity.RelativeError.Verdict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class RelativeErrorTest {
    private static final double LOOSE = 1e6;

    @Test
    void isTheRatioOfTheNorms() {
        var result = RelativeError.of("y", new double[] {3, 4}, new double[] {3, 4.5});
        assertThat(result.verdict()).isEqualTo(Verdict.MEASURED);
        assertThat(result.error()).isCloseTo(0.1, within(1e-15));
        assertThat(result.peak()).isCloseTo(0.125, within(1e-15));
        assertThat(result.within(0.1 + 1e-12)).isTrue();
        assertThat(result.within(0.099)).isFalse();
        assertThat(result.describe()).isEqualTo("y: relative error 1.000e-01, largest element 1.250e-01");
    }

    @Test
    void equalTensorsHaveNoError() {
        var result = RelativeError.of("y", new double[] {1, -2, 0}, new double[] {1, -2, 0});
        assertThat(result.error()).isZero();
        assertThat(result.within(0)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void refusesWhatIsNotFinite(double bad) {
        var computed = RelativeError.of("y", new double[] {1, 2}, new double[] {1, bad});
        assertThat(computed.verdict()).isEqualTo(Verdict.NOT_FINITE);
        assertThat(computed.within(LOOSE)).isFalse();
        assertThat(computed.within(Double.POSITIVE_INFINITY)).isFalse();
        var golden = RelativeError.of("y", new double[] {1, bad}, new double[] {1, bad});
        assertThat(golden.verdict()).isEqualTo(Verdict.GOLDEN_NOT_FINITE);
        assertThat(golden.within(LOOSE)).isFalse();
    }

    @Test
    void refusesAnotherShapeOfTheSameSize() {
        var values = new double[] {1, 2, 3, 4, 5, 6};
        var result = RelativeError.of("y", new long[] {2, 3}, values, new long[] {3, 2}, values);
        assertThat(result.verdict()).isEqualTo(Verdict.WRONG_SHAPE);
        assertThat(result.within(LOOSE)).isFalse();
        assertThat(RelativeError.of("y", new double[] {1, 2}, new double[] {1}).verdict())
                .isEqualTo(Verdict.WRONG_SHAPE);
    }

    @Test
    void refusesAllZerosHoweverLooseTheTolerance() {
        var result = RelativeError.of("y", new double[] {1, 2}, new double[2]);
        assertThat(result.verdict()).isEqualTo(Verdict.ALL_ZERO);
        assertThat(result.within(LOOSE)).isFalse();
    }

    @Test
    void aGoldenTensorOfZerosMustBeMetExactly() {
        assertThat(RelativeError.of("y", new double[3], new double[] {0, -0.0, 0})
                        .within(0))
                .isTrue();
        var result = RelativeError.of("y", new double[3], new double[] {0, Double.MIN_VALUE, 0});
        assertThat(result.verdict()).isEqualTo(Verdict.NOT_ZERO);
        assertThat(result.within(LOOSE)).isFalse();
    }

    @Test
    void catchesOnePerturbedElementThatTheNormHides() {
        var random = new Random(7);
        var golden = random.doubles(200_000, -1, 1).toArray();
        var actual = golden.clone();
        actual[123_456] += 0.5;
        var result = RelativeError.of("y", golden, actual);
        assertThat(result.error()).isLessThan(2e-2);
        assertThat(result.within(2e-2)).isFalse();
    }

    @Test
    void roundingNoiseIsNotTakenForAPerturbedElement() {
        var random = new Random(7);
        var golden = new double[200_000];
        var actual = new double[golden.length];
        for (int i = 0; i < golden.length; i++) {
            golden[i] = 1;
            actual[i] = 1 + 1.9e-2 * random.nextGaussian();
        }
        assertThat(RelativeError.of("y", golden, actual).within(2e-2)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-200, 1e200})
    void squaresNeitherUnderNorOverflow(double scale) {
        var result = RelativeError.of("y", new double[] {3 * scale, 4 * scale}, new double[] {3 * scale, 4.5 * scale});
        assertThat(result.error()).isCloseTo(0.1, within(1e-12));
    }

    @Test
    void aToleranceThatIsNoNumberIsNeverMet() {
        assertThat(RelativeError.of("y", new double[] {1}, new double[] {1}).within(Double.NaN))
                .isFalse();
    }
}
