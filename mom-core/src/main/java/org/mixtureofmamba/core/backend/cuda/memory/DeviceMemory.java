package org.mixtureofmamba.core.backend.cuda.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.backend.cuda.driver.CudaDevice;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.tensor.Bfloat16;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/** The card's memory. Work on it is ordered by one stream; copies from and to the host go through one pinned buffer. */
public final class DeviceMemory implements Memory, AutoCloseable {
    private static final long PINNED_BYTES = 16 << 20;

    private record Held(long bytes, String purpose) {}

    private final CudaStream stream;
    private final Copies copies;
    private final Map<Storage, Held> held = new IdentityHashMap<>();
    private final Pinned pinned = new Pinned(PINNED_BYTES);
    private long heldBytes;
    private long peakBytes;

    public DeviceMemory(CudaStream stream, Copies copies) {
        this.stream = stream;
        this.copies = copies;
    }

    /** Host memory that the device reads and writes by itself. */
    public static final class Pinned implements AutoCloseable {
        final Pointer pointer;
        final MemorySegment segment;

        Pinned(long bytes) {
            try (var address = new PointerPointer<Pointer>(1)) {
                CudaErrors.check(
                        cudart.cuMemHostAlloc(address, bytes, 0), "cuMemHostAlloc", "pinned memory of the host");
                this.pointer = address.get();
            }
            this.segment = MemorySegment.ofAddress(pointer.address()).reinterpret(bytes);
        }

        @Override
        public void close() {
            cudart.cuMemFreeHost(pointer);
        }
    }

    @Override
    public Storage allocate(long bytes, String purpose) {
        var address = new long[1];
        int status = cudart.cuMemAlloc(address, bytes);
        if (status == cudart.CUDA_ERROR_OUT_OF_MEMORY) {
            throw new FailureException(outOfMemory(bytes, purpose));
        }
        CudaErrors.check(status, "cuMemAlloc", purpose);
        var storage = new Storage.Device(address[0], bytes);
        held.put(storage, new Held(bytes, purpose));
        heldBytes += bytes;
        peakBytes = Math.max(peakBytes, heldBytes);
        return storage;
    }

    private String outOfMemory(long bytes, String purpose) {
        var byPurpose = new TreeMap<String, Long>();
        held.values().forEach(one -> byPurpose.merge(one.purpose(), one.bytes(), Long::sum));
        var memory = CudaDevice.memory();
        return outOfMemory(bytes, purpose, memory.free(), memory.total(), byPurpose);
    }

    /** One line: what was asked, what there is, who holds it, what would fit. */
    public static String outOfMemory(long bytes, String purpose, long free, long total, Map<String, Long> byPurpose) {
        long holding = byPurpose.values().stream().mapToLong(Long::longValue).sum();
        long activations = byPurpose.getOrDefault("activations", 0L) + (purpose.equals("activations") ? bytes : 0);
        long others = Math.max(0, total - free - holding);
        var remedy = others > total / 10
                ? "end other programs on the card, which hold %,d MiB".formatted(others >> 20)
                : activations > (holding + bytes) / 4
                        ? "use recompute: blocks, which keeps one block's activations instead of all, or a smaller batch or sequence"
                        : "weights and optimizer alone need %,d MiB: use a smaller scale or a card with more memory"
                                .formatted((holding + bytes - activations) >> 20);
        return "out of device memory: %,d MiB asked for %s, %,d of %,d MiB free; held: %s; %s"
                .formatted(
                        (bytes + (1 << 20) - 1) >> 20,
                        purpose,
                        free >> 20,
                        total >> 20,
                        byPurpose.isEmpty()
                                ? "nothing"
                                : byPurpose.entrySet().stream()
                                        .map(entry -> "%s %,d MiB".formatted(entry.getKey(), entry.getValue() >> 20))
                                        .collect(Collectors.joining(", ")),
                        remedy);
    }

    @Override
    public void free(Storage storage) {
        var former = held.remove(storage);
        if (former == null) {
            throw new IllegalArgumentException("not allocated here, or given back before");
        }
        heldBytes -= former.bytes();
        CudaErrors.check(cudart.cuMemFree(((Storage.Device) storage).address()), "cuMemFree", former.purpose());
    }

    /** The most bytes that were ever held at once. */
    public long peakBytes() {
        return peakBytes;
    }

    @Override
    public void fill(Tensor tensor, double value) {
        requireContiguous(tensor);
        long address = tensor.deviceAddress();
        long size = tensor.size();
        int status = switch (tensor.dtype()) {
            case BFLOAT16 -> cudart.cuMemsetD16Async(address, Bfloat16.of((float) value), size, stream.handle);
            case FLOAT32 ->
                cudart.cuMemsetD32Async(address, Float.floatToRawIntBits((float) value), size, stream.handle);
            case INT32 -> cudart.cuMemsetD32Async(address, (int) value, size, stream.handle);
            case FLOAT64 -> {
                if (value != 0) {
                    throw new IllegalArgumentException("device memory of float64 is filled with zeros only");
                }
                yield cudart.cuMemsetD32Async(address, 0, 2 * size, stream.handle);
            }
        };
        CudaErrors.check(status, "cuMemsetAsync", "filling a tensor");
    }

    private static void requireContiguous(Tensor tensor) {
        if (!tensor.isContiguous()) {
            throw new IllegalArgumentException("%s has gaps between its rows".formatted(tensor.shape()));
        }
    }

    @Override
    public void copy(Tensor from, Tensor to) {
        if (from.size() != to.size()) {
            throw new IllegalArgumentException("%s does not fit %s".formatted(from.shape(), to.shape()));
        }
        if (from.size() == 0) {
            return;
        }
        boolean fromHost = from.storage() instanceof Storage.Host;
        boolean toHost = to.storage() instanceof Storage.Host;
        if (fromHost && toHost) {
            HostMemory.copyOnHost(from, to);
        } else if (fromHost) {
            upload(from, to);
        } else if (toHost) {
            download(from, to);
        } else {
            copies.onDevice(from, to);
        }
    }

    private void upload(Tensor from, Tensor to) {
        if (!from.isContiguous() || from.dtype() != to.dtype()) {
            try (var arena = Arena.ofConfined()) {
                var same = Tensor.onHost(arena, to.dtype(), from.shape().toArray());
                HostMemory.copyOnHost(from, same);
                upload(same, to);
            }
        } else if (to.isContiguous()) {
            transfer(from.segment(), to.deviceAddress(), bytesOf(from), Direction.TO_DEVICE);
        } else {
            var dense = onDevice(to);
            try {
                upload(from, dense);
                copies.onDevice(dense, to);
            } finally {
                free(dense.storage());
            }
        }
    }

    private void download(Tensor from, Tensor to) {
        if (!from.isContiguous()) {
            var dense = onDevice(from);
            try {
                copies.onDevice(from, dense);
                download(dense, to);
            } finally {
                free(dense.storage());
            }
        } else if (to.isContiguous() && from.dtype() == to.dtype()) {
            transfer(to.segment(), from.deviceAddress(), bytesOf(from), Direction.TO_HOST);
        } else {
            try (var arena = Arena.ofConfined()) {
                var same = Tensor.onHost(arena, from.dtype(), from.shape().toArray());
                download(from, same);
                HostMemory.copyOnHost(same, to);
            }
        }
    }

    private Tensor onDevice(Tensor like) {
        return Tensor.of(like.dtype(), like.shape(), allocate(bytesOf(like), "a copy"));
    }

    private static long bytesOf(Tensor tensor) {
        return tensor.size() * tensor.dtype().byteSize();
    }

    private enum Direction {
        TO_DEVICE,
        TO_HOST
    }

    /** Moves bytes between memory of the host and the device, a pinned buffer at a time, and waits for each. */
    private void transfer(MemorySegment host, long device, long bytes, Direction direction) {
        for (long done = 0; done < bytes; done += PINNED_BYTES) {
            long part = Math.min(PINNED_BYTES, bytes - done);
            switch (direction) {
                case TO_DEVICE -> {
                    MemorySegment.copy(host, done, pinned.segment, 0, part);
                    CudaErrors.check(
                            cudart.cuMemcpyHtoDAsync(device + done, pinned.pointer, part, stream.handle),
                            "cuMemcpyHtoDAsync",
                            "a copy to the device");
                    stream.synchronize();
                }
                case TO_HOST -> {
                    CudaErrors.check(
                            cudart.cuMemcpyDtoHAsync(pinned.pointer, device + done, part, stream.handle),
                            "cuMemcpyDtoHAsync",
                            "a copy to the host");
                    stream.synchronize();
                    MemorySegment.copy(pinned.segment, 0, host, done, part);
                }
            }
        }
    }

    @Override
    public void close() {
        held.keySet().forEach(storage -> cudart.cuMemFree(((Storage.Device) storage).address()));
        held.clear();
        pinned.close();
    }
}
