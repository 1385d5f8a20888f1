package org.mixtureofmamba.core.backend.cpu;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.modality.TokenBatch;

import static org.assertj.core.api.Assertions.assertThat;

class BatchRingTest {
    private static final int MODALITIES = 8;

    /** One batch travels while another is worked on, also where they differ in size. */
    @Test
    void aBatchLivesWhileTheNextIsPlaced() {
        try (var memory = new HostMemory();
                var ring = new BatchRing(memory)) {
            var before = ring.place(batch(8, 0));
            for (int i = 1; i < MODALITIES; i++) {
                var next = ring.place(batch(4 * i, i));
                assertThat(before.targetModality().segment().toArray(ValueLayout.JAVA_INT))
                        .containsOnly(i - 1);
                before = next;
            }
        }
    }

    /** Tokens whose targets are all of one modality. */
    private static TokenBatch batch(int length, int modality) {
        var ids = new int[length];
        var targets = new byte[length];
        Arrays.fill(targets, (byte) modality);
        return TokenBatch.of(1, length, MODALITIES, ids, ids, new byte[length], targets, new boolean[length]);
    }
}
