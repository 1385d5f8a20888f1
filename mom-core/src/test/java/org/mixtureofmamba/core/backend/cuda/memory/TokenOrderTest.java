package org.mixtureofmamba.core.backend.cuda.memory;

import java.util.Arrays;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class TokenOrderTest {
    /** Adds up 1000^0 + t over the tokens of each id as the kernels of embedding.cu do. */
    private static double[] sums(TokenOrder order, int vocabulary) {
        var table = new double[vocabulary];
        var partial = new double[order.partials()];
        for (int piece = 0; piece < order.pieces(); piece++) {
            double sum = 0;
            for (int i = order.pieceStart()[piece]; i < order.pieceStart()[piece + 1]; i++) {
                sum += 1 + order.order()[i];
            }
            if (order.piecePartial()[piece] < 0) {
                table[order.pieceId()[piece]] += sum;
            } else {
                partial[order.piecePartial()[piece]] = sum;
            }
        }
        for (int join = 0; join < order.joinId().length; join++) {
            for (int i = order.joinStart()[join]; i < order.joinStart()[join + 1]; i++) {
                table[order.joinId()[join]] += partial[i];
            }
        }
        return table;
    }

    private static void assertSums(int[] ids) {
        int vocabulary = Arrays.stream(ids).max().orElse(0) + 1;
        var expected = new double[vocabulary];
        for (int t = 0; t < ids.length; t++) {
            expected[ids[t]] += 1 + t;
        }
        var order = TokenOrder.of(ids);
        assertThat(sums(order, vocabulary)).containsExactly(expected);
        assertThat(order.order()).hasSize(ids.length);
        for (int piece = 0; piece < order.pieces(); piece++) {
            assertThat(order.pieceStart()[piece + 1] - order.pieceStart()[piece])
                    .isBetween(1, TokenOrder.PIECE);
        }
    }

    @Test
    void eachTokenCountsOnce() {
        assertSums(new int[] {3, 1, 3, 3, 0});
        assertSums(new int[] {7});
        assertSums(new int[1000]);
        assertSums(new int[TokenOrder.PIECE]);
        assertSums(new int[TokenOrder.PIECE + 1]);
        var random = new SplittableRandom(1);
        for (int bound : new int[] {1, 2, 50, 5000}) {
            assertSums(random.ints(3001, 0, bound).toArray());
        }
    }

    @Test
    void tokensOfAnIdKeepTheirOrder() {
        assertThat(TokenOrder.of(new int[] {1, 0, 1, 0}).order()).containsExactly(1, 3, 0, 2);
    }

    @Test
    void noTokensAreNoPieces() {
        var order = TokenOrder.of(new int[0]);
        assertThat(order.pieces()).isZero();
        assertThat(order.partials()).isZero();
    }
}
