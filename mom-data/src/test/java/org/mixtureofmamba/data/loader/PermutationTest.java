package org.mixtureofmamba.data.loader;

import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class PermutationTest {
    @Test
    void isABijectionForEverySize() {
        for (long size : new long[] {1, 2, 3, 4, 5, 15, 16, 17, 255, 1000, 4097}) {
            var permutation = new Permutation(size, size * 17);
            assertThat(LongStream.range(0, size).map(permutation::at).sorted().toArray())
                    .containsExactly(LongStream.range(0, size).toArray());
        }
    }

    @Test
    void ordersDifferBetweenSeeds() {
        var first = new Permutation(1000, 1);
        var second = new Permutation(1000, 2);
        long equal = LongStream.range(0, 1000)
                .filter(i -> first.at(i) == second.at(i))
                .count();
        assertThat(equal).isLessThan(10);
    }

    /**
     * Chi-square of where the first hundred places land, over seeds, in ten bins: 9 degrees of freedom, 27.9 is p =
     * 0.001.
     */
    @Test
    void spreadsPlacesEvenly() {
        var bins = new long[10];
        for (int seed = 0; seed < 100; seed++) {
            var permutation = new Permutation(1000, seed);
            for (int place = 0; place < 100; place++) {
                bins[(int) (permutation.at(place) / 100)]++;
            }
        }
        double chiSquare = LongStream.of(bins)
                .mapToDouble(n -> (n - 1000) * (n - 1000) / 1000.0)
                .sum();
        assertThat(chiSquare).isLessThan(27.9);
    }
}
