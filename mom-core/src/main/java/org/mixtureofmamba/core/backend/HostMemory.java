package org.mixtureofmamba.core.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Map;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/** Native memory of this process, outside the Java heap. Closing it frees what was not given back. */
public final class HostMemory implements Memory, AutoCloseable {
    private static final long ALIGNMENT = 256;

    private final Map<Storage, Arena> arenas = new IdentityHashMap<>();

    @Override
    public Storage allocate(long bytes, String purpose) {
        var arena = Arena.ofShared();
        try {
            var storage = new Storage.Host(arena.allocate(bytes, ALIGNMENT));
            arenas.put(storage, arena);
            return storage;
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new FailureException(
                    "out of memory: %,d bytes asked for %s, %,d held; use a smaller batch, sequence or scale"
                            .formatted(bytes, purpose, heldBytes()),
                    e);
        }
    }

    @Override
    public void free(Storage storage) {
        var arena = arenas.remove(storage);
        if (arena == null) {
            throw new IllegalArgumentException("not allocated here, or given back before");
        }
        arena.close();
    }

    private long heldBytes() {
        return arenas.keySet().stream().mapToLong(Storage::byteSize).sum();
    }

    @Override
    public void fill(Tensor tensor, double value) {
        if (value == 0 && tensor.isContiguous()) {
            tensor.segment()
                    .asSlice(0, tensor.size() * tensor.dtype().byteSize())
                    .fill((byte) 0);
            return;
        }
        for (long row = 0; row < tensor.rows(); row++) {
            for (int column = 0; column < tensor.columns(); column++) {
                tensor.set(row, column, value);
            }
        }
    }

    @Override
    public void copy(Tensor from, Tensor to) {
        copyOnHost(from, to);
    }

    /** Copies between two tensors of the host, rounding where their types differ. */
    public static void copyOnHost(Tensor from, Tensor to) {
        if (from.size() != to.size()) {
            throw new IllegalArgumentException("%s does not fit %s".formatted(from.shape(), to.shape()));
        }
        if (from.dtype() == to.dtype() && from.isContiguous() && to.isContiguous()) {
            MemorySegment.copy(
                    from.segment(),
                    0,
                    to.segment(),
                    0,
                    from.size() * from.dtype().byteSize());
            return;
        }
        long fromColumns = from.columns();
        long toColumns = to.columns();
        for (long i = 0; i < from.size(); i++) {
            to.set(i / toColumns, i % toColumns, from.get(i / fromColumns, i % fromColumns));
        }
    }

    @Override
    public void close() {
        arenas.values().forEach(Arena::close);
        arenas.clear();
    }
}
