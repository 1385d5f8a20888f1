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
 * @param length how many there are, packed as they may be
 */
public record Bytes(String place, long length, Opener opener) {
    private static final int BUFFER = 1 << 16;

    /** Opens the stream at its first byte. */
    @FunctionalInterface
    public interface Opener {
        InputStream open() throws IOException;
    }

    /**
     * A local file.
     *
     * @throws UserException if there is none
     */
    public static Bytes ofFile(Path file) {
        try {
            if (Files.isDirectory(file)) {
                throw new UserException("cannot read %s: it is a directory; name a file".formatted(file));
            }
            return new Bytes(file.toString(), Files.size(file), () -> Files.newInputStream(file));
        } catch (IOException e) {
            throw unreadable(file.toString(), e);
        }
    }

    /** A resource that ships with the program. */
    public static Bytes ofResource(Class<?> beside, String name) {
        var url = beside.getResource(name);
        if (url == null) {
            throw new IllegalArgumentException("the class path lacks " + name);
        }
        try {
            return new Bytes(name, url.openConnection().getContentLengthLong(), url::openStream);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    /** Place and length, which tell one version of a file from another well enough to notice that it was replaced. */
    public String description() {
        return "%s (%d bytes)".formatted(place, length);
    }

    /**
     * The bytes, unpacked where the place ends in {@code gz}.
     *
     * @throws UserException if they cannot be opened
     */
    public InputStream open() {
        return place.endsWith("gz") ? openGzip() : openRaw();
    }

    /** The bytes as they are. */
    InputStream openRaw() {
        try {
            return new BufferedInputStream(opener.open(), BUFFER);
        } catch (IOException e) {
            throw unreadable(place, e);
        }
    }

    /** The bytes, unpacked whatever the place is called. */
    InputStream openGzip() {
        var raw = openRaw();
        try {
            try {
                return new BufferedInputStream(new GZIPInputStream(raw, BUFFER), BUFFER);
            } catch (IOException e) {
                raw.close();
                throw e;
            }
        } catch (IOException e) {
            throw unreadable(place, e);
        }
    }

    private static UserException unreadable(String place, IOException e) {
        return new UserException("cannot read %s: %s; check the path and its permissions".formatted(place, reason(e)), e);
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
