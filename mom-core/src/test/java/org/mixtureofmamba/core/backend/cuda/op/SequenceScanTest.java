package org.mixtureofmamba.core.backend.cuda.op;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.cuda.op.SequenceScan.Segments;

import static org.assertj.core.api.Assertions.assertThat;

class SequenceScanTest {
    @Test
    void cutsWhereBatchAndChannelsDoNotFillTheCard() {
        assertThat(Segments.of(4096, 256, 132, 128)).isEqualTo(new Segments(1, 4096));
        assertThat(Segments.of(4096, 128, 132, 128)).isEqualTo(new Segments(1, 4096));
        assertThat(Segments.of(4096, 64, 132, 128)).isEqualTo(new Segments(4, 1024));
        assertThat(Segments.of(65536, 16, 132, 128).count()).isEqualTo(15);
    }

    @Test
    void segmentsCoverTheSequence() {
        for (int length : new int[] {1, 37, 127, 128, 1023, 1024, 2049, 4096, 5000, 65536}) {
            for (int blocks : new int[] {1, 3, 16, 64, 500}) {
                var segments = Segments.of(length, blocks, 132, 128);
                assertThat(segments.length() % 128).isZero();
                assertThat((long) segments.count() * segments.length()).isGreaterThanOrEqualTo(length);
                assertThat((segments.count() - 1L) * segments.length()).isLessThan(length);
            }
        }
    }
}
