package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.InputStream;

/** The bytes of a stream one at a time, without the lock that each read of a shared stream takes. For one thread. */
final class ByteReader implements AutoCloseable {
    private final InputStream stream;
    private final byte[] buffer = new byte[1 << 16];
    private int at;
    private int end;

    ByteReader(InputStream stream) {
        this.stream = stream;
    }

    /** The next byte, from 0 to 255; -1 at the end. */
    int read() throws IOException {
        if (at == end) {
            at = 0;
            end = Math.max(0, stream.read(buffer));
            if (end == 0) {
                return -1;
            }
        }
        return buffer[at++] & 0xff;
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
