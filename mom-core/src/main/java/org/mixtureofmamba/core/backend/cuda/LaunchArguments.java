package org.mixtureofmamba.core.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * The arguments of one kernel launch in native memory that is used again for the next: the driver has read them when the launch returns.
 * Writing them makes no garbage.
 */
final class LaunchArguments implements AutoCloseable {
    private static final int CAPACITY = 64;
    private static final int BYTES = 4096;

    private final BytePointer values = new BytePointer(BYTES);
    private final MemorySegment valueMemory =
            MemorySegment.ofAddress(values.address()).reinterpret(BYTES);
    private final PointerPointer<Pointer> addresses = new PointerPointer<>(CAPACITY);
    private final MemorySegment addressMemory =
            MemorySegment.ofAddress(addresses.address()).reinterpret((long) CAPACITY * Long.BYTES);
    private int count;
    private int used;

    void clear() {
        count = 0;
        used = 0;
    }

    void put(long value) {
        valueMemory.set(ValueLayout.JAVA_LONG_UNALIGNED, claim(Long.BYTES), value);
    }

    void put(int value) {
        valueMemory.set(ValueLayout.JAVA_INT_UNALIGNED, claim(Long.BYTES), value);
    }

    void put(float value) {
        valueMemory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, claim(Long.BYTES), value);
    }

    /** A structure passed by value. */
    void put(MemorySegment structure) {
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
    PointerPointer<Pointer> pointers() {
        return addresses;
    }

    @Override
    public void close() {
        values.close();
        addresses.close();
    }
}
