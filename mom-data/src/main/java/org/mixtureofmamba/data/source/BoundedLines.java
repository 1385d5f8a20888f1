package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.util.Optional;

import org.mixtureofmamba.core.FailureException;

/** The lines of a UTF-8 file, one at a time, none of them held in memory beyond a bound. */
public final class BoundedLines implements AutoCloseable {
    private final String place;
    private final ByteReader stream;
    private final int limit;
    private final BoundedBytes bytes;
    private long number;

    /**
     * A line of a file.
     *
     * @param number from 1
     * @param text empty where {@code fault} is not
     * @param fault why the line cannot be used, or empty
     */
    public record Line(long number, String text, String fault) {}

    /**
     * Opens a file at its first line.
     *
     * @param limit bytes of a line; of a longer one only the fault is given
     * @throws org.mixtureofmamba.core.UserException if it cannot be opened
     */
    public BoundedLines(Bytes file, int limit) {
        this.place = file.place();
        this.stream = new ByteReader(file.open());
        this.limit = limit;
        this.bytes = new BoundedBytes(limit);
    }

    /**
     * The next line; nothing at the end.
     *
     * @throws FailureException if the file breaks off
     */
    public Optional<Line> next() {
        try {
            bytes.clear();
            if (!stream.hasMore()) {
                return Optional.empty();
            }
            stream.line(bytes);
            number++;
            if (bytes.isTooLong()) {
                return Optional.of(new Line(
                        number, "", "a line of %d bytes, more than the %d allowed".formatted(bytes.length(), limit)));
            }
            try {
                return Optional.of(new Line(number, bytes.stripped(), ""));
            } catch (CharacterCodingException e) {
                return Optional.of(new Line(number, "", "not UTF-8"));
            }
        } catch (IOException e) {
            throw new FailureException(
                    "%s breaks off after line %d: %s; fetch the file again".formatted(place, number, Bytes.reason(e)),
                    e);
        }
    }

    @Override
    public void close() {
        try {
            stream.close();
        } catch (IOException e) {
            throw new FailureException("cannot close %s: %s".formatted(place, e.getMessage()), e);
        }
    }
}
