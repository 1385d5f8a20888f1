package org.mixtureofmamba.data.source;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.mixtureofmamba.core.UserException;

/**
 * A stream of bytes that can be opened again.
 *
 * @param place where the bytes are, for messages
 */
public record Bytes(String place, Opener opener) {
    private static final int BUFFER = 1 << 16;

    /** Opens the stream at its first byte. */
    @FunctionalInterface
    public interface Opener {
        InputStream open() throws IOException;
    }

    public static Bytes ofFile(Path file) {
        return new Bytes(file.toString(), () -> Files.newInputStream(file));
    }

    /** A resource beside a class. */
    public static Bytes ofResource(Class<?> beside, String name) {
        return new Bytes(name, () -> {
            var stream = beside.getResourceAsStream(name);
            if (stream == null) {
                throw new IOException("not in the class path");
            }
            return stream;
        });
    }

    /**
     * The bytes, unpacked where the place ends in {@code gz}.
     *
     * @throws UserException if they cannot be opened
     */
    public InputStream open() {
        try {
            var raw = new BufferedInputStream(opener.open(), BUFFER);
            try {
                return place.endsWith("gz") ? new BufferedInputStream(new GZIPInputStream(raw, BUFFER), BUFFER) : raw;
            } catch (IOException e) {
                raw.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s; check the path and its permissions".formatted(place, reason(e)), e);
        }
    }

    /** What went wrong, in words: the message where there is one that says more than a path. */
    static String reason(IOException e) {
        return switch (e) {
            case java.nio.file.NoSuchFileException _ -> "no such file";
            case java.nio.file.AccessDeniedException _ -> "permission denied";
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }
}
