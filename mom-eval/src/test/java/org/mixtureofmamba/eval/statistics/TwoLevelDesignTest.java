package org.mixtureofmamba.eval.statistics;

import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class TwoLevelDesignTest {
    private static final TwoLevelDesign DESIGN = new TwoLevelDesign(4);
    private static final double[] GAINS = {0.4, -0.1, 0.05, 0.3};

    /** What each factor adds where it is on, and an extra where the factors of {@code both} all are. */
    private static double[] response(int both, double extra) {
        return IntStream.range(0, 16)
                .mapToDouble(cell -> {
                    double sum = (cell & both) == both ? extra : 0;
                    for (int factor = 0; factor < 4; factor++) {
                        sum += (cell >> factor & 1) * GAINS[factor];
                    }
                    return 7 + sum;
                })
                .toArray();
    }

    @Test
    void factorsThatAddUpHaveTheirGainsAsEffectsAndNoInteraction() {
        var response = response(0b0011, 0);
        for (int bits = 1; bits < 16; bits++) {
            double expected = Integer.bitCount(bits) == 1 ? GAINS[Integer.numberOfTrailingZeros(bits)] : 0;
            assertThat(DESIGN.effect(response, bits)).as("contrast %d", bits).isCloseTo(expected, within(1e-12));
        }
        assertThat(DESIGN.joint(response)).isCloseTo(0.65, within(1e-12));
        assertThat(DESIGN.synergy(response)).isCloseTo(0, within(1e-12));
    }

    @Test
    void twoFactorsThatHelpEachOtherShowInTheirInteractionAndInTheSynergy() {
        var response = response(0b1001, 0.2);
        // The first factor gains 0.4 with the last one off and 0.6 with it on.
        assertThat(DESIGN.effect(response, 0b0001)).isCloseTo(0.5, within(1e-12));
        assertThat(DESIGN.effect(response, 0b1001)).isCloseTo(0.1, within(1e-12));
        assertThat(DESIGN.effect(response, 0b0110)).isCloseTo(0, within(1e-12));
        assertThat(DESIGN.single(response, 0)).isCloseTo(0.4, within(1e-12));
        assertThat(DESIGN.synergy(response)).isCloseTo(0.2, within(1e-12));
    }

    @Test
    void aResponseOfAnotherDesignIsRefused() {
        assertThatThrownBy(() -> DESIGN.effect(new double[8], 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
