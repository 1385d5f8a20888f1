package org.mixtureofmamba.core.backend.cpu;

import java.lang.foreign.Arena;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class VectorMathTest {
    private static final int COUNT = 64_000 / Native.LANES * Native.LANES;

    @Test
    void powersOfTwoAreAccurate() {
        double worst = 0;
        for (int i = 0; i < COUNT; i++) {
            float y = i * (126f / COUNT);
            double expected = Math.pow(2, -(double) y);
            float actual = VectorMath.exp2Negative(FloatVector.broadcast(Native.SPECIES, y))
                    .lane(0);
            worst = Math.max(worst, Math.abs(actual - expected) / expected);
        }
        assertThat(worst).isLessThan(2.5e-7);
        assertThat(VectorMath.exp2Negative(FloatVector.zero(Native.SPECIES)).lane(0))
                .isEqualTo(1f);
        for (float y : new float[] {126, 127, 1e30f, Float.POSITIVE_INFINITY}) {
            assertThat(VectorMath.exp2Negative(FloatVector.broadcast(Native.SPECIES, y))
                            .lane(0))
                    .isEqualTo(0x1p-126f);
        }
    }

    @Test
    void softplusAndSigmoidAreAccurateFarIntoTheirTails() {
        try (var arena = Arena.ofConfined()) {
            long x = arena.allocate(4L * COUNT, 64).address();
            long softplus = arena.allocate(4L * COUNT, 64).address();
            for (int i = 0; i < COUNT; i++) {
                Native.set(x + 4L * i, -80 + 160f * i / COUNT);
            }
            VectorMath.softplusAndSigmoids(x, softplus, COUNT);
            // In the tails both are exp(-80): half a unit in the last place of the exponent 80·log2(e) is 4e-6 of the
            // result.
            for (int i = 0; i < COUNT; i++) {
                double v = -80 + 160f * i / COUNT;
                double expected = Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
                assertThat(Math.abs(Native.get(softplus + 4L * i) / expected - 1))
                        .as("softplus(%s)", v)
                        .isLessThan(6e-6);
                double sigmoid = 1 / (1 + Math.exp(-v));
                assertThat(Math.abs(Native.get(x + 4L * i) / sigmoid - 1))
                        .as("sigmoid(%s)", v)
                        .isLessThan(6e-6);
            }
        }
    }

    @Test
    void noNumberStaysNoNumber() {
        var nan = FloatVector.broadcast(Native.SPECIES, Float.NaN);
        assertThat(VectorMath.sigmoid(nan).lane(0)).isNaN();
    }
}
