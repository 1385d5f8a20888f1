package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.cuda.DeferredUpdate.Part;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

class DeferredUpdateTest {
    private static final int UNIT = 1 << 20;
    private static final int SIZE = 20 * UNIT;

    private final Tensor weights = buffer();
    private final Tensor moments = buffer();
    private final Tensor gradients = buffer();
    private final List<Span> spans = new ArrayList<>();
    private final DeferredUpdate update = new DeferredUpdate(() -> spans.add(new Span("wait", 0, 0)));

    private record Span(String how, long from, long to) {}

    private final class Recorded implements DeferredUpdate.Pass {
        private int count;

        @Override
        public void alone(Part part, long from, long to) {
            spans.add(new Span("alone " + part, from, to));
        }

        @Override
        public void besideLast(Part part, int number, long from, long to) {
            assertThat(number).isEqualTo(count++);
            spans.add(new Span("beside " + part, from, to));
        }
    }

    private static Tensor buffer() {
        return new Tensor(DType.FLOAT32, Shape.of(SIZE), new Storage.Device(4096, 4L * SIZE), 0, SIZE);
    }

    private static Tensor units(Tensor of, int from, int to) {
        return new Tensor(
                DType.FLOAT32,
                Shape.of((long) (to - from) * UNIT),
                of.storage(),
                (long) from * UNIT,
                (to - from) * UNIT);
    }

    private static Span span(String how, int from, int to) {
        return new Span(how, (long) from * UNIT, (long) to * UNIT);
    }

    private void begin() {
        update.begin(
                new Recorded(),
                new DeferredUpdate.Buffers(List.of(weights), List.of(moments), List.of(gradients)),
                SIZE);
    }

    private void use(int from, int to) {
        update.await(units(weights, from, to));
    }

    private void overwrite(int from, int to) {
        update.await(units(gradients, from, to));
    }

    @Test
    void whatIsUsedIsDoneOnTheSpotAndTheRestBesideTheScans() {
        begin();
        use(0, 2);
        update.besideForward(8L * UNIT);
        use(2, 10); // was done beside the scan
        use(10, 12);
        update.besideForward(8L * UNIT);
        update.finish();
        assertThat(spans)
                .containsExactly(
                        span("alone WHOLE", 0, 2),
                        span("beside WEIGHTS", 2, 10),
                        span("alone WHOLE", 10, 12),
                        span("beside WEIGHTS", 12, 20),
                        span("alone MOMENTS", 12, 20),
                        span("alone MOMENTS", 2, 10));
    }

    @Test
    void aScanTakesAtLeastWhatTheNextLayerNeeds() {
        begin();
        use(0, 3);
        update.besideForward(UNIT);
        use(3, 7);
        update.besideForward(UNIT);
        use(7, 11); // as much as the layer before
        assertThat(spans)
                .containsExactly(
                        span("alone WHOLE", 0, 3),
                        span("beside WEIGHTS", 3, 4),
                        span("alone WHOLE", 4, 7),
                        span("beside WEIGHTS", 7, 11));
    }

    @Test
    void momentsAreWrittenBesideTheScansOfBackwardBeforeTheirGradientsGo() {
        begin();
        update.besideForward(20L * UNIT);
        overwrite(18, 20);
        overwrite(15, 18);
        update.besideBackward(UNIT);
        overwrite(12, 15); // as far as the scan had no time
        update.besideBackward(UNIT); // three units more are overwritten until the next one
        overwrite(9, 12);
        update.besideBackward(20L * UNIT);
        overwrite(0, 9);
        assertThat(spans)
                .containsExactly(
                        span("beside WEIGHTS", 0, 20),
                        span("alone MOMENTS", 18, 20),
                        span("alone MOMENTS", 15, 18),
                        span("beside MOMENTS", 14, 15),
                        span("alone MOMENTS", 12, 14),
                        span("beside MOMENTS", 9, 12),
                        span("beside MOMENTS", 0, 9));
    }

    @Test
    void gradientsThatGoBeforeTheFirstScanOfBackwardAreDoneWholeFromTheSecondStepOn() {
        for (int step = 0; step < 2; step++) {
            begin();
            update.besideForward(12L * UNIT);
            update.besideForward(12L * UNIT);
            update.besideForward(12L * UNIT);
            overwrite(15, 20);
            update.besideBackward(20L * UNIT);
            overwrite(0, 15);
        }
        assertThat(spans.subList(0, 4))
                .containsExactly(
                        span("beside WEIGHTS", 0, 12),
                        span("beside WEIGHTS", 12, 20),
                        span("alone MOMENTS", 15, 20),
                        span("beside MOMENTS", 0, 15));
        assertThat(spans.subList(4, spans.size()))
                .containsExactly(
                        span("beside WEIGHTS", 0, 12),
                        span("beside WEIGHTS", 12, 15),
                        span("beside WHOLE", 15, 20),
                        span("beside MOMENTS", 0, 15));
    }

    @Test
    void weightsAreUpdatedBeforeTheirGradientsGo() {
        begin();
        update.besideForward(4L * UNIT);
        overwrite(19, 20);
        overwrite(2, 3);
        assertThat(spans)
                .containsExactly(span("beside WEIGHTS", 0, 4), span("alone WHOLE", 4, 20), span("alone MOMENTS", 2, 4));
    }

    @Test
    void theMomentsMayBeUsedWhenAllIsDone() {
        begin();
        update.await(buffer()); // a stranger's
        update.besideForward(UNIT);
        update.await(moments);
        update.await(moments);
        update.besideForward(UNIT);
        update.besideBackward(UNIT);
        assertThat(spans)
                .containsExactly(span("beside WEIGHTS", 0, 1), span("alone WHOLE", 1, 20), span("alone MOMENTS", 0, 1));
    }

    @Test
    void memoryGoesBackWhenAllIsDoneAndOver() {
        for (var buffer : List.of(weights, moments, gradients)) {
            begin();
            update.leave(buffer.storage());
        }
        assertThat(spans)
                .isEqualTo(Collections.nCopies(3, List.of(span("alone WHOLE", 0, 20), new Span("wait", 0, 0))).stream()
                        .flatMap(List::stream)
                        .toList());
    }

    /**
     * Whatever comes in whatever order: each weight once and before its use, its moments once and before its gradient
     * goes.
     */
    @Test
    void nothingIsUsedBeforeItsTurnNorDoneTwice() {
        var random = new Random(7);
        for (int round = 0; round < 2_000; round++) {
            var done = new Done();
            update.begin(
                    done, new DeferredUpdate.Buffers(List.of(weights), List.of(moments), List.of(gradients)), SIZE);
            for (int i = 0; i < 12; i++) {
                int from = random.nextInt(20);
                int to = from + 1 + random.nextInt(20 - from);
                switch (random.nextInt(5)) {
                    case 0 -> {
                        use(from, to);
                        assertThat(done.weights.nextClearBit(from)).isGreaterThanOrEqualTo(to);
                    }
                    case 1 -> {
                        overwrite(from, to);
                        assertThat(done.weights.nextClearBit(from)).isGreaterThanOrEqualTo(to);
                        assertThat(done.moments.nextClearBit(from)).isGreaterThanOrEqualTo(to);
                    }
                    case 2, 3 -> update.besideForward((long) random.nextInt(9) * UNIT);
                    default -> update.besideBackward((long) random.nextInt(9) * UNIT);
                }
            }
            update.finish();
            assertThat(done.weights.cardinality()).isEqualTo(20);
            assertThat(done.moments.cardinality()).isEqualTo(20);
        }
    }

    private static final class Done implements DeferredUpdate.Pass {
        private final BitSet weights = new BitSet();
        private final BitSet moments = new BitSet();

        @Override
        public void alone(Part part, long from, long to) {
            mark(part, (int) (from / UNIT), (int) (to / UNIT));
        }

        @Override
        public void besideLast(Part part, int number, long from, long to) {
            mark(part, (int) (from / UNIT), (int) (to / UNIT));
        }

        private void mark(Part part, int from, int to) {
            for (int unit = from; unit < to; unit++) {
                if (part != Part.MOMENTS) {
                    assertThat(weights.get(unit)).isFalse();
                    weights.set(unit);
                }
                if (part != Part.WEIGHTS) {
                    assertThat(weights.get(unit)).isTrue();
                    assertThat(moments.get(unit)).isFalse();
                    moments.set(unit);
                }
            }
        }
    }
}
