package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.Abortable;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** The bytes of a remote file up to its end; where the connection breaks it is opened again where it broke. */
final class ResumingStream extends InputStream {
    private static final int PRECONDITION_FAILED = 412;

    private final String place;
    private final long length;
    private final int attempts;
    private final Opener opener;
    private long at;
    private InputStream current;
    private boolean open;

    /** Opens the file at an offset. */
    @FunctionalInterface
    interface Opener {
        InputStream open(long offset);
    }

    /**
     * @param length of the whole file
     * @param attempts at one byte before the stream fails
     */
    ResumingStream(String place, long from, long length, int attempts, Opener opener) {
        this.place = place;
        this.at = from;
        this.length = length;
        this.attempts = attempts;
        this.opener = opener;
        this.current = InputStream.nullInputStream();
    }

    @Override
    public int read() throws IOException {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int count) throws IOException {
        if (count == 0) {
            return 0;
        }
        if (at >= length) {
            return -1;
        }
        for (int attempt = 1; ; attempt++) {
            try {
                if (!open) {
                    current = opener.open(at);
                    open = true;
                }
                int read = current.read(buffer, offset, (int) Math.min(count, length - at));
                if (read > 0) {
                    at += read;
                    return read;
                }
                throw new IOException("the connection ended at byte %d of %d".formatted(at, length));
            } catch (IOException | UncheckedIOException | SdkException e) {
                drop();
                if (e instanceof S3Exception answered && answered.statusCode() == PRECONDITION_FAILED) {
                    throw new IOException("%s was replaced while it was read".formatted(place), e);
                }
                if (attempt >= attempts) {
                    throw new IOException("%s (%d attempts)".formatted(e.getMessage(), attempts), e);
                }
                Backoff.pause(attempt);
            }
        }
    }

    private void drop() {
        try {
            if (current instanceof Abortable connection) {
                // Closing alone would read what is left.
                connection.abort();
            }
            current.close();
        } catch (IOException | UncheckedIOException | SdkException e) {
            // It is broken already; what matters is opened anew.
            current = InputStream.nullInputStream();
        }
        open = false;
    }

    @Override
    public void close() {
        drop();
        at = length;
    }
}
