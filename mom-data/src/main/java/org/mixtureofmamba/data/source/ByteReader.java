package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** The lines of a stream as bytes, without the lock that each read of a shared stream takes. For one thread. */
final class ByteReader implements AutoCloseable {
    /** What a line was and what ended it. */
    enum Line {
        /** Nothing but carriage returns, up to a newline. */
        BLANK,
        /** Anything else up to a newline. */
        VISIBLE,
        /** What stood behind the last newline, which may be nothing. */
        LAST
    }

    private static final VarHandle EIGHT = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long NEWLINES = ONES * '\n';

    private final InputStream stream;
    private final byte[] buffer = new byte[1 << 16];
    private int at;
    private int end;

    ByteReader(InputStream stream) {
        this.stream = stream;
    }

    /** Adds the bytes up to the next newline, which is passed over and left out. */
    Line line(BoundedBytes into) throws IOException {
        boolean blank = true;
        while (hasMore()) {
            int start = at;
            at = newline();
            blank = blank && isBlank(start, at);
            into.addAll(buffer, start, at - start);
            if (at < end) {
                at++;
                return blank ? Line.BLANK : Line.VISIBLE;
            }
        }
        return Line.LAST;
    }

    /**
     * Where the next newline is; {@code end} where the buffer has none. Eight bytes at a time: one of eight is a
     * newline where its difference is 0.
     */
    private int newline() {
        int i = at;
        for (; i + Long.BYTES <= end; i += Long.BYTES) {
            long difference = (long) EIGHT.get(buffer, i) ^ NEWLINES;
            long zeros = difference - ONES & ~difference & ONES << 7;
            if (zeros != 0) {
                return i + Long.numberOfTrailingZeros(zeros) / Byte.SIZE;
            }
        }
        while (i < end && buffer[i] != '\n') {
            i++;
        }
        return i;
    }

    /** Whether there is a byte left. */
    boolean hasMore() throws IOException {
        if (at == end) {
            at = 0;
            end = Math.max(0, stream.read(buffer));
        }
        return at < end;
    }

    private boolean isBlank(int start, int stop) {
        for (int i = start; i < stop; i++) {
            if (buffer[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
