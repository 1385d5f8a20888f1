package org.mixtureofmamba.tokenizers.image;

import java.io.IOException;
import javax.imageio.IIOException;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * An encoded image for a decoder that is not trusted to stop: it may ask behind the end, and read the whole again, only
 * so often. A decoder that takes each missing symbol for zero would otherwise go on for every pixel that a header
 * claims.
 */
final class ImageBytes extends ImageInputStreamImpl {
    /** A decoder that reads ahead asks behind the end a few times. */
    private static final int MOST_ENDS = 1024;
    /** Decoders look at a header several times, at pixels once. */
    private static final int MOST_READINGS = 16;

    private final byte[] bytes;
    private long left;
    private int ends;

    ImageBytes(byte[] bytes) {
        this.bytes = bytes;
        left = (long) MOST_READINGS * bytes.length + (1 << 20);
    }

    @Override
    public int read() throws IOException {
        bitOffset = 0;
        if (!available()) {
            return -1;
        }
        spend(1);
        return bytes[(int) streamPos++] & 0xFF;
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
        bitOffset = 0;
        if (length == 0) {
            return 0;
        }
        if (!available()) {
            return -1;
        }
        int count = (int) Math.min(length, bytes.length - streamPos);
        spend(count);
        System.arraycopy(bytes, (int) streamPos, target, from, count);
        streamPos += count;
        return count;
    }

    private boolean available() throws IOException {
        checkClosed();
        if (streamPos < bytes.length) {
            return true;
        }
        if (++ends > MOST_ENDS) {
            throw new IIOException("its data ends long before its pixels do");
        }
        return false;
    }

    private void spend(int count) throws IOException {
        left -= count;
        if (left < 0) {
            throw new IIOException("its data leads its decoder in circles");
        }
    }

    @Override
    public long length() {
        return bytes.length;
    }
}
