package org.mixtureofmamba.tokenizers.quantize;

import java.util.Random;
import java.util.concurrent.ForkJoinPool;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class KMeansTest {
    /** Points about (10 i, -10 i), i below 9. */
    private static float[] clouds(int n) {
        var random = new Random(2);
        float[] points = new float[2 * n];
        for (int i = 0; i < n; i++) {
            points[2 * i] = (float) (10 * (i % 9) + random.nextGaussian());
            points[2 * i + 1] = (float) (-10 * (i % 9) + random.nextGaussian());
        }
        return points;
    }

    @Test
    void separateCloudsAreFound() {
        var clustering = new KMeans(9, 50, 1).cluster(clouds(9000), 2);
        assertThat(clustering.meanSquaredDistance()).isCloseTo(2, within(0.1));
        for (int i = 9; i < 9000; i++) {
            assertThat(clustering.codes()[i]).isEqualTo(clustering.codes()[i % 9]);
        }
    }

    @Test
    void theResultDoesNotDependOnThreads() throws Exception {
        float[] points = clouds(9000);
        var here = new KMeans(30, 8, 1).cluster(points, 2);
        try (var pool = new ForkJoinPool(1)) {
            var there =
                    pool.submit(() -> new KMeans(30, 8, 1).cluster(points, 2)).get();
            assertThat(there.codebook()).isEqualTo(here.codebook());
            assertThat(there.codes()).isEqualTo(here.codes());
        }
        assertThat(new KMeans(30, 8, 2).cluster(points, 2).codebook()).isNotEqualTo(here.codebook());
    }

    @Test
    void nearestIsTheNearestByDefinition() {
        var random = new Random(4);
        for (int dimension = 1; dimension < 12; dimension++) {
            float[] vectors = new float[37 * dimension];
            float[] points = new float[50 * dimension];
            for (int i = 0; i < vectors.length; i++) {
                vectors[i] = (float) random.nextGaussian();
            }
            for (int i = 0; i < points.length; i++) {
                points[i] = (float) random.nextGaussian();
            }
            int[] codes = new Codebook(vectors, dimension).nearest(points, 50);
            for (int i = 0; i < 50; i++) {
                double best = Double.POSITIVE_INFINITY;
                int code = -1;
                for (int k = 0; k < 37; k++) {
                    double sum = 0;
                    for (int d = 0; d < dimension; d++) {
                        sum += Math.pow(points[i * dimension + d] - vectors[k * dimension + d], 2);
                    }
                    if (sum < best) {
                        best = sum;
                        code = k;
                    }
                }
                assertThat(codes[i]).isEqualTo(code);
            }
        }
    }

    @Test
    void moreCodesThanDifferentPointsAreRefused() {
        assertThatThrownBy(() -> new KMeans(3, 5, 0).cluster(new float[] {1, 1, 1, 2, 2}, 1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("only 2");
    }
}
