package org.mixtureofmamba.core.nn;

import java.util.ArrayList;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;

import static org.assertj.core.api.Assertions.assertThat;

class ParametersTest {
    private static final int SEEDS = 10;
    private static final int LAGS = 64;

    /** The weights of one seed say nothing of another's, shifted by a few elements or not. */
    @Test
    void seedsAreIndependentStreams() {
        try (var backend = Backends.open("cpu", BackendOptions.defaults())) {
            var bySeed = new ArrayList<double[]>();
            for (int seed = 0; seed < SEEDS; seed++) {
                bySeed.add(weights(backend, seed));
            }
            for (int i = 0; i < SEEDS; i++) {
                for (int j = 0; j < SEEDS; j++) {
                    for (int lag = 0; i != j && lag <= LAGS; lag++) {
                        assertThat(Math.abs(correlation(bySeed.get(i), bySeed.get(j), lag)))
                                .as("of seeds %d and %d at lag %d", i, j, lag)
                                .isLessThan(4 / Math.sqrt(bySeed.get(i).length));
                    }
                }
            }
        }
    }

    @Test
    void aSeedIsOneStream() {
        try (var backend = Backends.open("cpu", BackendOptions.defaults())) {
            assertThat(weights(backend, 3)).containsExactly(weights(backend, 3));
        }
    }

    /** Uniform in -1 .. 1. */
    private static double[] weights(Backend backend, long seed) {
        try (var parameters = new Parameters(backend)) {
            var weight = parameters.declare("backbone.layers.0.mixer.in_proj.weight", Initializer.uniform(1), 256, 128);
            parameters.allocate();
            parameters.initialise(seed);
            return weight.master().toDoubles();
        }
    }

    /** Of a[t] and b[t + lag], both of mean 0 and variance 1/3. */
    private static double correlation(double[] a, double[] b, int lag) {
        double sum = 0;
        for (int t = 0; t + lag < a.length; t++) {
            sum += a[t] * b[t + lag];
        }
        return 3 * sum / a.length;
    }
}
