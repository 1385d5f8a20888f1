package org.mixtureofmamba.core.nn;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class OperationFlopsTest {
    private static FlopCount model(long tokens) {
        try (var backend = Backends.open("cpu", new BackendOptions(1, 0, BackendOptions.Precision.FLOAT32));
                var model = new Model(MambaConfig.dense(128, 8, 4096, 1), backend, Model.Recompute.NOTHING, 0)) {
            return model.flops(tokens);
        }
    }

    @Test
    void aModelsForwardIsItsClosedFormula() {
        long d = 128;
        long e = 256;
        long n = 16;
        long r = 8;
        long k = 4;
        long v = 4096;
        long projections = 2 * (2 * d * e + e * (r + 2 * n) + r * e + e * d);
        long elementwise = (4 * d + 4) + 4 * e + 4 * e + 5 * e + d;
        long scan = e * (7 * n + 3);
        long tokens = 512;
        long block = tokens * (projections + 2 * k * e + scan + elementwise) + e * n;
        long head = tokens * ((4 * d + 4) + 2 * d * v + 3 * v + 3);
        assertThat(model(tokens).forward()).isEqualTo(8 * block + head);
    }

    @Test
    void trainingCostsAboutThreeForwards() {
        var count = model(4096);
        assertThat((double) count.training() / count.forward()).isBetween(2.9, 3.0);
        assertThat(OperationFlops.linear(7, 3, 5)).isEqualTo(new FlopCount(210, 420));
    }

    @Test
    void countsFollowTheNumberOfTokens() {
        assertThat(model(2000).training() - model(1000).training())
                .isEqualTo(model(3000).training() - model(2000).training());
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
        assertThat(OperationFlops.scan(tokens, channels, states)).isEqualTo(new FlopCount(forward, backward));
    }

    @Test
    void refusesCountsThatDoNotFit() {
        assertThatThrownBy(() -> OperationFlops.scan(Long.MAX_VALUE / 2, 256, 16))
                .isInstanceOf(ArithmeticException.class);
    }
}
