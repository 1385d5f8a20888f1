package org.mixtureofmamba.core.backend.cuda.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.bytedeco.cuda.cudart.CUlaunchAttribute;
import org.bytedeco.cuda.cudart.CUlaunchConfig;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;

/**
 * The arguments and the configuration of one kernel launch in native memory that is used again for the next: the driver
 * has read them when the launch returns. Writing them makes no garbage.
 */
public final class LaunchArguments implements AutoCloseable {
    private static final int CAPACITY = 64;
    private static final int BYTES = 4096;

    private final BytePointer values = new BytePointer(BYTES);
    private final MemorySegment valueMemory =
            MemorySegment.ofAddress(values.address()).reinterpret(BYTES);
    private final PointerPointer<Pointer> addresses = new PointerPointer<>(CAPACITY);
    private final MemorySegment addressMemory =
            MemorySegment.ofAddress(addresses.address()).reinterpret((long) CAPACITY * Long.BYTES);
    private final CUlaunchAttribute overlapping = new CUlaunchAttribute();
    private final CUlaunchConfig configuration = new CUlaunchConfig();
    private boolean isEmpty;
    private int count;
    private int used;

    public LaunchArguments() {
        overlapping
                .id(cudart.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION)
                .value()
                .programmaticStreamSerializationAllowed(1);
        configuration.attrs(overlapping);
    }

    /** Begins a launch of so many blocks. */
    public void begin(int gridX, int gridY, int gridZ) {
        configuration.gridDimX(gridX).gridDimY(gridY).gridDimZ(gridZ);
        isEmpty = gridX == 0 || gridY == 0 || gridZ == 0;
        count = 0;
        used = 0;
    }

    /** Whether there is no block to launch, which is no error. */
    public boolean isEmpty() {
        return isEmpty;
    }

    public void put(long value) {
        valueMemory.set(ValueLayout.JAVA_LONG_UNALIGNED, claim(Long.BYTES), value);
    }

    public void put(int value) {
        valueMemory.set(ValueLayout.JAVA_INT_UNALIGNED, claim(Long.BYTES), value);
    }

    public void put(float value) {
        valueMemory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, claim(Long.BYTES), value);
    }

    /** A structure passed by value. */
    public void put(MemorySegment structure) {
        long at = claim(Math.toIntExact(structure.byteSize()));
        MemorySegment.copy(structure, 0, valueMemory, at, structure.byteSize());
    }

    private long claim(int bytes) {
        long at = used;
        addressMemory.setAtIndex(ValueLayout.JAVA_LONG, count++, valueMemory.address() + at);
        used += (bytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        return at;
    }

    /** What {@code cuLaunchKernel} takes as {@code kernelParams}. */
    public PointerPointer<Pointer> pointers() {
        return addresses;
    }

    /**
     * What {@code cuLaunchKernelEx} takes as {@code config}.
     *
     * @param overlaps whether the kernel may start before the last one is over
     */
    public CUlaunchConfig configuration(int threads, int sharedBytes, CudaStream stream, boolean overlaps) {
        return configuration
                .blockDimX(threads)
                .blockDimY(1)
                .blockDimZ(1)
                .sharedMemBytes(sharedBytes)
                .hStream(stream.handle)
                .numAttrs(overlaps ? 1 : 0);
    }

    @Override
    public void close() {
        values.close();
        addresses.close();
        configuration.close();
        overlapping.close();
    }
}
