package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.util.NoSuchElementException;
import java.util.Optional;

import org.mixtureofmamba.core.FailureException;

/** The pages of one text file; a page longer than a bound is rejected without being held in memory. */
final class TextPages implements SampleReader {
    private static final int PAGE_LIMIT = 16 << 20;

    private final String place;
    private final ByteReader stream;
    private final BoundedBytes bytes = new BoundedBytes(PAGE_LIMIT);
    private long page;
    private Optional<Sample> ready = Optional.empty();
    private boolean ended;

    TextPages(Bytes file) {
        this.place = file.place();
        this.stream = new ByteReader(file.open());
    }

    @Override
    public boolean hasNext() {
        try {
            while (ready.isEmpty() && !ended) {
                ready = readPage();
            }
        } catch (IOException e) {
            throw new FailureException(
                    "%s breaks off in page %d: %s; fetch the file again".formatted(place, page, Bytes.reason(e)), e);
        }
        return ready.isPresent();
    }

    @Override
    public Sample next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        var sample = ready.get();
        ready = Optional.empty();
        return sample;
    }

    /** Reads up to the newline that ends a blank line; nothing where the page is empty. */
    private Optional<Sample> readPage() throws IOException {
        bytes.clear();
        var line = stream.line(bytes);
        for (; line == ByteReader.Line.VISIBLE; line = stream.line(bytes)) {
            bytes.add('\n');
        }
        ended = line == ByteReader.Line.LAST;
        if (bytes.length() == 0) {
            return Optional.empty();
        }
        var id = place + "#" + page++;
        if (bytes.isTooLong()) {
            return Optional.of(new Sample.Rejected(
                    id, "a page of %d bytes, more than the %d allowed".formatted(bytes.length(), PAGE_LIMIT)));
        }
        try {
            var text = bytes.stripped();
            return text.isEmpty() ? Optional.empty() : Optional.of(new Sample.Text(id, text));
        } catch (CharacterCodingException e) {
            return Optional.of(new Sample.Rejected(id, "not UTF-8"));
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
