package org.mixtureofmamba.data.source;

import java.util.Arrays;

/** Bytes that are gathered up to a bound and counted beyond it. For one thread. */
final class BoundedBytes {
    private final int limit;
    private byte[] bytes = new byte[1 << 10];
    private long length;

    BoundedBytes(int limit) {
        this.limit = limit;
    }

    void clear() {
        length = 0;
    }

    void add(int value) {
        if (length < limit) {
            if (length == bytes.length) {
                bytes = Arrays.copyOf(bytes, (int) Math.min(limit, 2L * bytes.length));
            }
            bytes[(int) length] = (byte) value;
        }
        length++;
    }

    /** How many there were, those beyond the bound too. */
    long length() {
        return length;
    }

    boolean isTooLong() {
        return length > limit;
    }

    /** The bytes, where there were not too many. */
    byte[] toArray() {
        return Arrays.copyOf(bytes, (int) Math.min(length, limit));
    }
}
