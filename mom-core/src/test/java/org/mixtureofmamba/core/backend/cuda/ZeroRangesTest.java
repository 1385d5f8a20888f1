package org.mixtureofmamba.core.backend.cuda;

import java.util.Arrays;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.cuda.ZeroRanges.Range;

import static org.assertj.core.api.Assertions.assertThat;

class ZeroRangesTest {
    private static final int MIB = 1 << 20;

    private final ZeroRanges zeros = new ZeroRanges();

    @Test
    void whatIsTakenWholeNeedsNoZeros() {
        zeros.add(new Range(0, 100 * MIB));
        assertThat(zeros.take(new Range(10 * MIB, 20 * MIB))).isTrue();
        assertThat(zeros.take(new Range(10 * MIB, 20 * MIB))).isFalse();
        assertThat(zeros.settle(new Range(12 * MIB, 16 * MIB))).isEmpty();
        assertThat(zeros.take(new Range(15 * MIB, 25 * MIB))).isFalse();
        assertThat(zeros.settle(new Range(0, 100 * MIB)))
                .containsExactly(new Range(0, 10 * MIB), new Range(20 * MIB, 100 * MIB));
        assertThat(zeros.isEmpty()).isTrue();
    }

    @Test
    void smallNeighboursAreSettledTogether() {
        zeros.add(new Range(0, 100 * MIB));
        assertThat(zeros.settle(new Range(9 * MIB, 9 * MIB + 4))).containsExactly(new Range(8 * MIB, 12 * MIB));
        assertThat(zeros.settle(new Range(11 * MIB, 12 * MIB))).isEmpty();
    }

    @Test
    void zerosMayBeAskedForAgain() {
        zeros.add(new Range(0, 100));
        zeros.settle(new Range(0, 100));
        zeros.add(new Range(0, 100));
        assertThat(zeros.take(new Range(0, 100))).isTrue();
        assertThat(zeros.isEmpty()).isTrue();
    }

    /** Against a memory whose every cell knows what it holds. */
    @Test
    void behavesAsAMemoryFullOfZeros() {
        int cell = 1 << 18;
        int cells = 256;
        var random = new SplittableRandom(5);
        for (int round = 0; round < 200; round++) {
            var ranges = new ZeroRanges();
            var zero = new boolean[cells]; // counts as zero and is not written
            ranges.add(new Range(0, (long) cells * cell));
            Arrays.fill(zero, true);
            for (int step = 0; step < 30; step++) {
                int from = random.nextInt(cells);
                int to = from + 1 + random.nextInt(Math.min(24, cells - from));
                var range = new Range((long) from * cell, (long) to * cell);
                boolean allZero = true;
                for (int i = from; i < to; i++) {
                    allZero &= zero[i];
                }
                if (random.nextBoolean()) {
                    assertThat(ranges.take(range)).isEqualTo(allZero);
                    if (allZero) {
                        Arrays.fill(zero, from, to, false);
                    }
                } else {
                    for (var written : ranges.settle(range)) {
                        for (long i = written.from() / cell; i < written.to() / cell; i++) {
                            assertThat(zero[(int) i]).as("written once").isTrue();
                            zero[(int) i] = false;
                        }
                    }
                    for (int i = from; i < to; i++) {
                        assertThat(zero[i]).as("settled").isFalse();
                    }
                }
            }
        }
    }
}
