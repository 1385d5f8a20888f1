package org.mixtureofmamba.core.modality;

import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class ModalityLayoutTest {
    @Test
    void rowsAreSortedByModalityAndStable() {
        var layout = ModalityLayout.of(
                2, 3, 3, new byte[] {2, 0, 0, 0, 2, 2}, new boolean[] {true, false, true, false, false, false});
        assertThat(layout.rowOf().toDoubles()).containsExactly(3, 0, 1, 2, 4, 5);
        assertThat(layout.slabs()).hasToString("[0, 3, 3, 6]");
        assertThat(layout.slabs().size(1)).isZero();
        assertThat(layout.documentStart().toDoubles()).containsExactly(1, 0, 1, 0, 0, 0);
        assertThat(layout.withoutDocumentStarts().documentStart().toDoubles()).containsOnly(0);
    }

    @Test
    void aTokenWithoutAModalityIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ModalityLayout.of(1, 2, 2, new byte[] {0, 2}, new boolean[2]))
                .withMessageContaining("token 1 has modality 2 of 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ModalityLayout.of(1, 2, 2, new byte[] {-1, 0}, new boolean[2]));
    }

    @Test
    void aTargetOfNoSuchModalityIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        TokenBatch.of(1, 2, 2, new int[2], new int[2], new byte[2], new byte[] {-1, 2}, new boolean[2]))
                .withMessage("the target of token 1 has modality 2 of 2");
    }

    @Test
    void sharedWeightsSeeOneSlabAndSplitWeightsOneForEachModality() {
        var layout = ModalityLayout.of(1, 4, 2, new byte[] {1, 0, 1, 1}, new boolean[4]);
        assertThat(layout.slabsFor(1)).hasToString("[0, 4]");
        assertThat(layout.slabsFor(2)).hasToString("[0, 1, 4]");
        assertThat(layout.slabs().slabOf(0)).isZero();
        assertThat(layout.slabs().slabOf(1)).isEqualTo(1);
        assertThatIllegalArgumentException().isThrownBy(() -> layout.slabsFor(3));
    }

    @Test
    void aBatchFollowsItsLayout() {
        int batch = 3;
        int length = 41;
        int tokens = batch * length;
        var random = new SplittableRandom(7);
        var inputs = random.ints(tokens, 0, 1000).toArray();
        var targets = random.ints(tokens, 0, 1000).toArray();
        var modality = new byte[tokens];
        var targetModality = new byte[tokens];
        for (int t = 0; t < tokens; t++) {
            modality[t] = (byte) random.nextInt(3);
            targetModality[t] = (byte) (random.nextInt(4) - 1);
        }
        var sorted = TokenBatch.of(batch, length, 3, inputs, targets, modality, targetModality, new boolean[tokens]);
        var counts = new long[3];
        for (int t = 0; t < tokens; t++) {
            int row = (int) sorted.layout().rowOf().get(t / length, t % length);
            assertThat(sorted.inputs().values().get(0, row)).isEqualTo(inputs[t]);
            assertThat(sorted.targets().values().get(0, row)).isEqualTo(targetModality[t] < 0 ? 0 : targets[t]);
            assertThat(sorted.targetModality().get(0, row)).isEqualTo(targetModality[t]);
            assertThat(sorted.layout().slabs().slabOf(row)).isEqualTo(modality[t]);
            if (targetModality[t] >= 0) {
                counts[targetModality[t]]++;
            }
        }
        assertThat(sorted.lossTokens()).isEqualTo(new ModalityCounts(counts));
    }
}
