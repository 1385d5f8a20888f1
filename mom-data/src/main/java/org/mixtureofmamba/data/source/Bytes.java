package org.mixtureofmamba.data.source;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.store.ObjectStore;

/**
 * A stream of bytes that can be opened again.
 *
 * @param place where the bytes are, for messages
 * @param length how many there are, packed as they may be
 * @param beside finds files by names relative to the place these bytes are at
 */
public record Bytes(String place, long length, Opener opener, Beside beside) {
    private static final int BUFFER = 1 << 16;

    /** Opens the stream at an offset. */
    @FunctionalInterface
    public interface Opener {
        InputStream open(long from) throws IOException;
    }

    /** Finds a file by a relative name. */
    @FunctionalInterface
    public interface Beside {
        Bytes named(String name);
    }

    /** Bytes that stand alone. */
    public Bytes(String place, long length, Opener opener) {
        this(place, length, opener, name -> {
            throw new UserException("there is no %s beside %s; it stands alone".formatted(name, place));
        });
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
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new UserException(
                        "cannot read %s: it is a device or a pipe, which ends nowhere or once; name a file"
                                .formatted(file));
            }
            return new Bytes(
                    file.toString(),
                    Files.size(file),
                    from -> openFile(file, from),
                    name -> ofFile(file.toAbsolutePath().resolveSibling(FilePatterns.path(name))));
        } catch (IOException e) {
            throw unreadable(file.toString(), e);
        }
    }

    private static InputStream openFile(Path file, long from) throws IOException {
        var channel = Files.newByteChannel(file);
        channel.position(from);
        return Channels.newInputStream(channel);
    }

    /**
     * A file of a store.
     *
     * @throws UserException if there is none
     */
    public static Bytes ofStore(ObjectStore store, String key) {
        var entry = store.find(key)
                .orElseThrow(() -> new UserException(
                        "cannot read %s: no such file; check bucket and key".formatted(store.place(key))));
        var folder = key.substring(0, key.lastIndexOf('/') + 1);
        return new Bytes(
                store.place(key), entry.length(), from -> store.read(key, from), name -> ofStore(store, folder + name));
    }

    /** A resource that ships with the program. */
    public static Bytes ofResource(Class<?> beside, String name) {
        var url = beside.getResource(name);
        if (url == null) {
            throw new IllegalArgumentException("the class path lacks " + name);
        }
        try {
            return new Bytes(name, url.openConnection().getContentLengthLong(), from -> {
                var stream = url.openStream();
                stream.skipNBytes(from);
                return stream;
            });
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    /** Place and length, which tell one version of a file from another well enough to notice that it was replaced. */
    public String description() {
        return "%s (%d bytes)".formatted(place, length);
    }

    /**
     * The bytes, unpacked where the place ends in {@code gz}, {@code .xz} or {@code .zst}.
     *
     * @throws UserException if they cannot be opened
     */
    public InputStream open() {
        return unpacked(raw -> Packing.unpacked(place, raw));
    }

    /** Some of the bytes as they are. */
    byte[] range(long from, int count) throws IOException {
        try (var in = opener.open(from)) {
            return in.readNBytes(count);
        }
    }

    /** The last name of the place. */
    String name() {
        return place.substring(place.lastIndexOf('/') + 1);
    }

    /** The bytes as they are. */
    InputStream openRaw() {
        try {
            return new BufferedInputStream(opener.open(0), BUFFER);
        } catch (IOException e) {
            throw unreadable(place, e);
        }
    }

    /** The bytes, unpacked whatever the place is called. */
    InputStream openGzip() {
        return unpacked(Packing::gzip);
    }

    private interface Unpacking {
        InputStream of(InputStream raw) throws IOException;
    }

    private InputStream unpacked(Unpacking unpacking) {
        var raw = openRaw();
        try {
            try {
                return unpacking.of(raw);
            } catch (IOException e) {
                raw.close();
                throw e;
            }
        } catch (IOException e) {
            throw unreadable(place, e);
        }
    }

    private static UserException unreadable(String place, IOException e) {
        return new UserException(
                "cannot read %s: %s; check the path and its permissions".formatted(place, reason(e)), e);
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
