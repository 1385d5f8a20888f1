package org.mixtureofmamba.core.backend.cuda.step;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.StepSchedule.Span;

import static org.assertj.core.api.Assertions.assertThat;

/** When each part of an update is done, by the events of a step; elements in units of {@link UpdatePass#MULTIPLE}. */
class PutOffUpdateTest {
    private static final int UNIT = UpdatePass.MULTIPLE;

    /** An embedding, three blocks, a head. */
    private static final List<Span> PARTS =
            List.of(units(0, 2), units(2, 8), units(8, 12), units(12, 16), units(16, 20));

    private static final int EMBEDDING = 0;
    private static final int HEAD = 4;
    private static final int SIZE = 20;

    private final List<Launch> launches = new ArrayList<>();
    private final PutOffUpdate update = new PutOffUpdate(new Recorded(), PARTS, (long) SIZE * UNIT);

    private record Launch(String how, long from, long to) {}

    private final class Recorded implements UpdatePass {
        @Override
        public void alone(Written written, long from, long to) {
            launches.add(new Launch("alone " + written, from / UNIT, to / UNIT));
        }

        @Override
        public void besideLast(Written written, int number, long from, long to) {
            launches.add(new Launch("beside " + written, from / UNIT, to / UNIT));
        }
    }

    private static Span units(long from, long to) {
        return new Span(from * UNIT, to * UNIT);
    }

    private void forward(int capacity) {
        update.weightsNeeded(PARTS.get(EMBEDDING));
        for (int block = 1; block < HEAD; block++) {
            update.weightsNeeded(PARTS.get(block));
            update.besideForward((long) capacity * UNIT);
        }
        update.weightsNeeded(PARTS.get(HEAD));
    }

    private void backward(int capacity) {
        update.gradientsOverwritten(PARTS.get(HEAD));
        for (int block = HEAD - 1; block > EMBEDDING; block--) {
            update.gradientsOverwritten(PARTS.get(block));
            update.besideBackward((long) capacity * UNIT);
        }
        update.gradientsOverwritten(PARTS.get(EMBEDDING));
    }

    @Test
    void aScanTakesAtLeastWhatTheNextPartNeeds() {
        update.begin();
        forward(1);
        assertThat(launches)
                .containsExactly(
                        new Launch("alone WHOLE", 0, 2),
                        new Launch("alone WHOLE", 2, 8),
                        new Launch("beside WEIGHTS", 8, 12),
                        new Launch("beside WEIGHTS", 12, 16),
                        new Launch("beside WEIGHTS", 16, 20));
    }

    @Test
    void momentsAreWrittenBesideTheScansOfBackwardBeforeTheirGradientsGo() {
        update.begin();
        forward(20);
        launches.clear();
        backward(1);
        assertThat(launches)
                .containsExactly(
                        new Launch("alone MOMENTS", 16, 20),
                        new Launch("alone MOMENTS", 12, 16),
                        new Launch("beside MOMENTS", 8, 12));
    }

    @Test
    void whatGoesBeforeTheFirstScanOfBackwardIsWrittenWholeFromTheSecondStepOn() {
        update.begin();
        forward(20);
        backward(20);
        launches.clear();
        update.begin();
        forward(20);
        backward(20);
        assertThat(launches)
                .containsExactly(
                        new Launch("alone WHOLE", 0, 2),
                        new Launch("alone WHOLE", 2, 8),
                        new Launch("beside WEIGHTS", 8, 12),
                        new Launch("beside WHOLE", 12, 20),
                        new Launch("beside MOMENTS", 8, 12));
    }

    @Test
    void aTiedHeadsGradientsGoFirst() {
        update.begin();
        update.weightsNeeded(PARTS.get(1));
        update.besideForward(20L * UNIT);
        launches.clear();
        update.gradientsOverwritten(PARTS.get(EMBEDDING));
        assertThat(launches).isEmpty(); // written with its weights
        update.gradientsOverwritten(PARTS.get(2));
        update.finish();
        assertThat(launches).containsExactly(new Launch("alone MOMENTS", 8, 12), new Launch("alone MOMENTS", 12, 20));
    }

    /**
     * Whatever comes in whatever order: weights once and before their use, moments once and before their gradient goes.
     */
    @Test
    void nothingIsUsedBeforeItsTurnNorDoneTwice() {
        var random = new Random(7);
        var done = new Done();
        var any = new PutOffUpdate(done, PARTS, (long) SIZE * UNIT);
        for (int round = 0; round < 2_000; round++) {
            done.weights.clear();
            done.moments.clear();
            any.begin();
            for (int i = 0; i < 12; i++) {
                var part = PARTS.get(random.nextInt(PARTS.size()));
                int from = (int) (part.from() / UNIT);
                int to = (int) (part.to() / UNIT);
                switch (random.nextInt(5)) {
                    case 0 -> {
                        any.weightsNeeded(part);
                        assertThat(done.weights.nextClearBit(from)).isGreaterThanOrEqualTo(to);
                    }
                    case 1 -> {
                        any.gradientsOverwritten(part);
                        assertThat(done.weights.nextClearBit(from)).isGreaterThanOrEqualTo(to);
                        assertThat(done.moments.nextClearBit(from)).isGreaterThanOrEqualTo(to);
                    }
                    case 2, 3 -> any.besideForward((long) random.nextInt(9) * UNIT);
                    default -> any.besideBackward((long) random.nextInt(9) * UNIT);
                }
            }
            any.finish();
            assertThat(done.weights.cardinality()).isEqualTo(SIZE);
            assertThat(done.moments.cardinality()).isEqualTo(SIZE);
        }
    }

    private static final class Done implements UpdatePass {
        private final BitSet weights = new BitSet();
        private final BitSet moments = new BitSet();

        @Override
        public void alone(Written written, long from, long to) {
            mark(written, (int) (from / UNIT), (int) (to / UNIT));
        }

        @Override
        public void besideLast(Written written, int number, long from, long to) {
            mark(written, (int) (from / UNIT), (int) (to / UNIT));
        }

        private void mark(Written written, int from, int to) {
            for (int unit = from; unit < to; unit++) {
                if (written != Written.MOMENTS) {
                    assertThat(weights.get(unit)).isFalse();
                    weights.set(unit);
                }
                if (written != Written.WEIGHTS) {
                    assertThat(weights.get(unit)).isTrue();
                    assertThat(moments.get(unit)).isFalse();
                    moments.set(unit);
                }
            }
        }
    }
}
