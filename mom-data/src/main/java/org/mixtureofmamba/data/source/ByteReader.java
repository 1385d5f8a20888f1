package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.InputStream;

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
            while (at < end && buffer[at] != '\n') {
                at++;
            }
            blank = blank && isBlank(start, at);
            into.addAll(buffer, start, at - start);
            if (at < end) {
                at++;
                return blank ? Line.BLANK : Line.VISIBLE;
            }
        }
        return Line.LAST;
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
