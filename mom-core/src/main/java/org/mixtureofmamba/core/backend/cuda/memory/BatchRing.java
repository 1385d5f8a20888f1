package org.mixtureofmamba.core.backend.cuda.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.bytedeco.cuda.global.cudart;
import org.mixtureofmamba.core.backend.PlacedBatch;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;
import org.mixtureofmamba.core.backend.cuda.driver.CudaEvent;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.modality.ModalityCounts;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Two places for batches on the card. A batch travels on a stream of its own, from pinned memory, while another is
 * worked on; the first operation that reads it makes the working stream wait for its arrival, and a place is filled
 * again only when the working stream has passed everything given to it before.
 */
public final class BatchRing implements AutoCloseable {
    private static final int PLACES = 2;
    private static final long ALIGNMENT = 256;

    private final CudaStream working;
    private final CudaStream travelling = new CudaStream("batches under way");
    private final DeviceMemory memory;
    private final List<Place> places = new ArrayList<>();
    private int next;

    public BatchRing(CudaStream working, DeviceMemory memory) {
        this.working = working;
        this.memory = memory;
        for (int i = 0; i < PLACES; i++) {
            places.add(new Place());
        }
    }

    /** The order of a batch's tokens, on the card. */
    public record PlacedOrder(
            Tensor order,
            Tensor pieceStart,
            Tensor pieceId,
            Tensor piecePartial,
            Tensor joinStart,
            Tensor joinId,
            int partials) {}

    /** Ids with the order in which backward adds up their gradients. */
    public record OrderedIds(Tensor values, int bound, PlacedOrder order) implements TokenIds {}

    public PlacedBatch place(TokenBatch batch) {
        var place = places.get(next);
        next = (next + 1) % PLACES;
        return place.fill(batch);
    }

    /** A batch that the working stream waits for where it is first asked for. */
    private final class UnderWay implements PlacedBatch {
        private final Place place;
        private final TokenBatch batch;
        private boolean awaited;

        UnderWay(Place place, TokenBatch batch) {
            this.place = place;
            this.batch = batch;
        }

        @Override
        public TokenBatch arrived() {
            if (!awaited) {
                working.await(place.arrived);
                awaited = true;
            }
            return batch;
        }

        @Override
        public ModalityCounts lossTokens() {
            return batch.lossTokens();
        }
    }

    /** One of the two. */
    private final class Place implements AutoCloseable {
        private final CudaEvent arrived = new CudaEvent(CudaEvent.Timing.NONE);
        private final CudaEvent worked = new CudaEvent(CudaEvent.Timing.NONE);
        private Optional<Storage.Device> device = Optional.empty();
        private Optional<DeviceMemory.Pinned> pinned = Optional.empty();
        private long used;

        PlacedBatch fill(TokenBatch batch) {
            arrived.synchronize(); // the pinned memory's former content has left it
            var ids = batch.inputs().values().segment().toArray(ValueLayout.JAVA_INT);
            var sorted = TokenOrder.of(ids);
            reserve(ids.length);
            used = 0;
            var layout = batch.layout();
            var placedLayout = new ModalityLayout(
                    layout.batch(), layout.length(), layout.slabs(), add(layout.rowOf()), add(layout.documentStart()));
            var inputs = add(batch.inputs().values());
            var targets = new TokenIds.Placed(
                    add(batch.targets().values()), batch.targets().bound());
            var targetModality = add(batch.targetModality());
            var order = new PlacedOrder(
                    add(sorted.order()),
                    add(sorted.pieceStart()),
                    add(sorted.pieceId()),
                    add(sorted.piecePartial()),
                    add(sorted.joinStart()),
                    add(sorted.joinId()),
                    sorted.partials());
            send();
            var ordered = new OrderedIds(inputs, batch.inputs().bound(), order);
            return new UnderWay(
                    this, new TokenBatch(placedLayout, ordered, targets, targetModality, batch.lossTokens()));
        }

        private void send() {
            worked.record(working);
            travelling.await(worked);
            CudaErrors.check(
                    cudart.cuMemcpyHtoDAsync(
                            device.orElseThrow().address(), pinned.orElseThrow().pointer, used, travelling.handle),
                    "cuMemcpyHtoDAsync",
                    "a batch");
            arrived.record(travelling);
        }

        /** Room for the eleven arrays of a batch, none of which is longer than its tokens and one. */
        private void reserve(int tokens) {
            long bytes = 11 * ((tokens + 1L) * Integer.BYTES + ALIGNMENT);
            if (device.isPresent() && device.get().byteSize() >= bytes) {
                return;
            }
            release();
            device = Optional.of((Storage.Device) memory.allocate(bytes, "batches"));
            pinned = Optional.of(new DeviceMemory.Pinned(bytes));
        }

        private Tensor add(int[] values) {
            return add(Shape.of(values.length), MemorySegment.ofArray(values));
        }

        private Tensor add(Tensor values) {
            return add(values.shape(), values.segment());
        }

        private Tensor add(Shape shape, MemorySegment values) {
            long bytes = shape.size() * Integer.BYTES;
            MemorySegment.copy(values, 0, pinned.orElseThrow().segment, used, bytes);
            var tensor = new Tensor(DType.INT32, shape, device.orElseThrow(), used / Integer.BYTES, shape.columns());
            used = (used + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            return tensor;
        }

        private void release() {
            device.ifPresent(memory::free);
            pinned.ifPresent(DeviceMemory.Pinned::close);
            device = Optional.empty();
            pinned = Optional.empty();
        }

        @Override
        public void close() {
            release();
            arrived.close();
            worked.close();
        }
    }

    @Override
    public void close() {
        travelling.synchronize();
        places.forEach(Place::close);
        travelling.close();
    }
}
