package org.mixtureofmamba.core.tensor;

import java.lang.foreign.MemorySegment;

/** A stretch of memory. It does not own what it names: whoever allocated it frees it. */
public sealed interface Storage {
    long byteSize();

    /** Memory this process can read and write. */
    record Host(MemorySegment segment) implements Storage {
        @Override
        public long byteSize() {
            return segment.byteSize();
        }
    }

    /** Memory of a device; only the backend that allocated it may follow the address. */
    record Device(long address, long byteSize) implements Storage {}
}
