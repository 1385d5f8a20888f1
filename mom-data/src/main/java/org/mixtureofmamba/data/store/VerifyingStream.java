package org.mixtureofmamba.data.store;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Fails at the end where the bytes are not those of a SHA-256; what is not read to the end is not compared. */
final class VerifyingStream extends FilterInputStream {
    private final String place;
    private final String expected;
    private final MessageDigest digest = Keys.sha256();
    private boolean compared;

    VerifyingStream(InputStream stream, String place, String expected) {
        super(stream);
        this.place = place;
        this.expected = expected;
    }

    @Override
    public int read() throws IOException {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int count) throws IOException {
        int read = super.read(buffer, offset, count);
        if (read > 0) {
            digest.update(buffer, offset, read);
        } else if (read < 0 && !compared) {
            compared = true;
            if (!HexFormat.of().formatHex(digest.digest()).equals(expected)) {
                throw new IOException("%s is damaged: it does not match its SHA-256".formatted(place));
            }
        }
        return read;
    }

    @Override
    public long skip(long count) throws IOException {
        return readNBytes((int) Math.min(count, 1 << 16)).length;
    }

    @Override
    public boolean markSupported() {
        return false;
    }
}
