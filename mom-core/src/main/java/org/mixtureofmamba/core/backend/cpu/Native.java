package org.mixtureofmamba.core.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.mixtureofmamba.core.backend.Write;

import static jdk.incubator.vector.FloatVector.fromMemorySegment;

/**
 * Floats at addresses. Kernels check their tensors' shapes once, as they turn them into {@link Rows}, and then read and
 * write by address: a check of bounds and of lifetime at every vector would cost a good part of the time.
 *
 * <p>There are no vector loads and stores here. HotSpot inlines ordinary methods into a compiled one only up to a
 * certain size, which a kernel soon passes, and a vector that crosses a call is an object; {@link FloatVector}'s own
 * methods it inlines always. So kernels call {@code fromMemorySegment(SPECIES, ALL, address, ORDER)}, and
 * {@link VectorMath} early in their loops.
 */
final class Native {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

    /** Floats in a vector. */
    static final int LANES = SPECIES.length();

    /** Bytes of a vector. */
    static final int STEP = LANES * Float.BYTES;

    /** All memory. */
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    static final ByteOrder ORDER = ByteOrder.nativeOrder();

    // Rotations, for sums over lanes.
    private static final VectorShuffle<Float> BY_8 = rotate(8);
    private static final VectorShuffle<Float> BY_4 = rotate(4);
    private static final VectorShuffle<Float> BY_2 = rotate(2);
    private static final VectorShuffle<Float> BY_1 = rotate(1);

    private Native() {}

    static float get(long address) {
        return ALL.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    static void set(long address, float value) {
        ALL.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, value);
    }

    static void zero(long address, long floats) {
        ALL.asSlice(address, floats * Float.BYTES).fill((byte) 0);
    }

    static void copy(long from, long to, int floats) {
        int i = 0;
        for (; i <= floats - LANES; i += LANES) {
            long at = (long) i * Float.BYTES;
            fromMemorySegment(SPECIES, ALL, from + at, ORDER).intoMemorySegment(ALL, to + at, ORDER);
        }
        for (; i < floats; i++) {
            long at = (long) i * Float.BYTES;
            set(to + at, get(from + at));
        }
    }

    static void copy(long from, float[] to, int index, int floats) {
        MemorySegment.copy(ALL, ValueLayout.JAVA_FLOAT_UNALIGNED, from, to, index, floats);
    }

    /** to += from. */
    static void add(long from, long to, int floats) {
        int i = 0;
        for (; i <= floats - LANES; i += LANES) {
            long at = (long) i * Float.BYTES;
            var sum = fromMemorySegment(SPECIES, ALL, to + at, ORDER)
                    .add(fromMemorySegment(SPECIES, ALL, from + at, ORDER));
            sum.intoMemorySegment(ALL, to + at, ORDER);
        }
        for (; i < floats; i++) {
            long at = (long) i * Float.BYTES;
            set(to + at, get(to + at) + get(from + at));
        }
    }

    /** to = from or to += from. */
    static void write(long from, long to, int floats, Write write) {
        switch (write) {
            case OVERWRITE -> copy(from, to, floats);
            case ADD -> add(from, to, floats);
        }
    }

    /**
     * The sum of a vector, halves added to halves. Not {@link FloatVector#reduceLanes}: its order may change when the
     * method is compiled, and with it the last bit.
     */
    static float sum(FloatVector vector) {
        var v = vector;
        if (LANES >= 16) {
            v = v.add(v.rearrange(BY_8));
        }
        if (LANES >= 8) {
            v = v.add(v.rearrange(BY_4));
        }
        if (LANES >= 4) {
            v = v.add(v.rearrange(BY_2));
        }
        return v.add(v.rearrange(BY_1)).lane(0);
    }

    private static VectorShuffle<Float> rotate(int lanes) {
        return VectorShuffle.iota(SPECIES, lanes % LANES, 1, true);
    }
}
