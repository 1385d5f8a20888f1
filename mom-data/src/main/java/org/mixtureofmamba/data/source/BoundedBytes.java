package org.mixtureofmamba.data.source;

import java.nio.charset.CharacterCodingException;
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

    void addAll(byte[] source, int from, int count) {
        int kept = (int) Math.min(count, Math.max(0, limit - length));
        if (kept > 0) {
            int needed = (int) length + kept;
            if (needed > bytes.length) {
                bytes = Arrays.copyOf(bytes, (int) Math.min(limit, Math.max(needed, 2L * bytes.length)));
            }
            System.arraycopy(source, from, bytes, (int) length, kept);
        }
        length += count;
    }

    /** How many there were, those beyond the bound too. */
    long length() {
        return length;
    }

    boolean isTooLong() {
        return length > limit;
    }

    /**
     * The bytes as text without white space at its ends, where there were not too many.
     *
     * @throws CharacterCodingException if they are not UTF-8
     */
    String stripped() throws CharacterCodingException {
        int start = 0;
        int end = (int) Math.min(length, limit);
        while (start < end && isSpace(bytes[end - 1])) {
            end--;
        }
        while (start < end && isSpace(bytes[start])) {
            start++;
        }
        return Utf8.decode(bytes, start, end - start).strip();
    }

    /** Of one byte; what takes several is left to the text. */
    private static boolean isSpace(byte value) {
        return value >= 0 && Character.isWhitespace(value);
    }
}
