package org.mixtureofmamba.core.model;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ModelFlopsTest {
    private static final ModelFlops TINY = new ModelFlops(128, 256, 16, 8, 4, 8, 4096);

    @Test
    void aBlocksForwardIsItsClosedFormula() {
        long d = 128;
        long e = 256;
        long n = 16;
        long r = 8;
        long k = 4;
        long projections = 2 * (2 * d * e + e * (r + 2 * n) + r * e + e * d);
        long elementwise = (4 * d + 4) + 4 * e + 4 * e + 5 * e + d;
        long scan = e * (7 * n + 3);
        long tokens = 512;
        assertThat(TINY.block(tokens).forward())
                .isEqualTo(tokens * (projections + 2 * k * e + scan + elementwise) + e * n);
    }

    @Test
    void trainingCostsAboutThreeForwards() {
        var count = TINY.model(4096);
        assertThat((double) count.training() / count.forward()).isBetween(2.9, 3.0);
        assertThat(ModelFlops.linear(7, 3, 5)).isEqualTo(new FlopCount(210, 420));
    }

    @Test
    void countsFollowTheNumberOfTokens() {
        assertThat(TINY.model(2000).training() - TINY.model(1000).training())
                .isEqualTo(TINY.model(3000).training() - TINY.model(2000).training());
    }

    /** The count of a scan, made by walking the recurrence and its adjoint with a counter beside each operation. */
    @Test
    void theScansCountIsThatOfItsRecurrence() {
        int tokens = 5;
        int channels = 3;
        int states = 4;
        long forward = (long) channels * states; // exp(A_log)
        long backward = (long) channels * states; // gradA · A
        for (int t = 0; t < tokens; t++) {
            for (int c = 0; c < channels; c++) {
                forward += 1; // dt · x
                for (int s = 0; s < states; s++) {
                    forward += 1 + 1; // exp(dt · A)
                    forward += 1 + 1 + 1; // a · h + dtx · B
                    forward += 1 + 1; // y += C · h
                    backward += 1 + 1; // gradH = next + C · g
                    backward += 1 + 1; // gradC += g · h
                    backward += 1 + 1; // gradB += gradH · dtx
                    backward += 1 + 1; // gradDtx += gradH · B
                    backward += 1 + 1; // q = gradH · h · a
                    backward += 1 + 1; // gradA += q · dt
                    backward += 1 + 1; // gradDt += q · A
                    backward += 1; // next = a · gradH
                }
                forward += 1 + 1; // y += D · x
                backward += 1 + 1 + 1; // gradX = gradDtx · dt + D · g
                backward += 1 + 1; // gradDt += gradDtx · x
                backward += 1 + 1; // gradD += g · x
            }
        }
        assertThat(ModelFlops.scan(tokens, channels, states)).isEqualTo(new FlopCount(forward, backward));
    }

    @Test
    void refusesDimensionsThatAreNoneAndCountsThatDoNotFit() {
        assertThatThrownBy(() -> new ModelFlops(128, 256, 0, 8, 4, 8, 4096))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("dState is 0");
        assertThatThrownBy(() -> TINY.model(Long.MAX_VALUE / 2)).isInstanceOf(ArithmeticException.class);
    }
}
