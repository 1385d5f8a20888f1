package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
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
    private final List<Span> spans = new ArrayList<>();
    private final DeferredUpdate update = new DeferredUpdate(() -> spans.add(new Span("wait", 0, 0)));

    private record Span(String how, long from, long to) {}

    private final class Recorded implements DeferredUpdate.Pass {
        @Override
        public void alone(long from, long to) {
            spans.add(new Span("alone", from, to));
        }

        @Override
        public void besideLast(int part, long from, long to) {
            assertThat(part).isEqualTo((int) spans.stream().filter(span -> span.how.equals("beside")).count());
            spans.add(new Span("beside", from, to));
        }
    }

    private static Tensor buffer() {
        return new Tensor(DType.FLOAT32, Shape.of(SIZE), new Storage.Device(4096, 4L * SIZE), 0, SIZE);
    }

    private Tensor units(int from, int to) {
        return new Tensor(DType.FLOAT32, Shape.of((long) (to - from) * UNIT), weights.storage(), (long) from * UNIT, (to - from) * UNIT);
    }

    private static Span span(String how, int from, int to) {
        return new Span(how, (long) from * UNIT, (long) to * UNIT);
    }

    @Test
    void whatIsUsedIsDoneOnTheSpotAndTheRestBesideTheScans() {
        update.begin(new Recorded(), List.of(weights), List.of(moments), SIZE);
        update.await(units(0, 2));
        update.besideScan(8L * UNIT);
        update.await(units(2, 10)); // was done beside the scan
        update.await(units(10, 12));
        update.besideScan(8L * UNIT);
        update.finish();
        assertThat(spans)
                .containsExactly(span("alone", 0, 2), span("beside", 2, 10), span("alone", 10, 12), span("beside", 12, 20));
    }

    @Test
    void aScanTakesAtLeastWhatTheNextLayerNeeds() {
        update.begin(new Recorded(), List.of(weights), List.of(moments), SIZE);
        update.await(units(0, 3));
        update.besideScan(UNIT);
        update.await(units(3, 7));
        update.besideScan(UNIT);
        update.await(units(7, 11)); // as much as the layer before
        assertThat(spans).containsExactly(span("alone", 0, 3), span("beside", 3, 4), span("alone", 4, 7), span("beside", 7, 11));
    }

    @Test
    void theStateMayBeUsedWhenAllIsDone() {
        update.begin(new Recorded(), List.of(weights), List.of(moments), SIZE);
        update.await(buffer()); // a stranger's
        update.besideScan(UNIT);
        update.await(moments);
        update.await(moments);
        update.besideScan(UNIT);
        assertThat(spans).containsExactly(span("beside", 0, 1), span("alone", 1, 20));
    }

    @Test
    void memoryGoesBackWhenAllIsDoneAndOver() {
        update.begin(new Recorded(), List.of(weights), List.of(moments), SIZE);
        update.leave(weights.storage());
        assertThat(spans).containsExactly(span("alone", 0, 20), new Span("wait", 0, 0));
    }
}
