package org.mixtureofmamba.eval;

import java.io.FilterReader;
import java.io.IOException;
import java.io.Reader;

/** Refuses a line longer than any row of metrics, before a parser gathers it in memory. */
final class BoundedLines extends FilterReader {
    static final int MAX_LINE = 16_384;

    private int length;

    BoundedLines(Reader in) {
        super(in);
    }

    @Override
    public int read() throws IOException {
        int c = super.read();
        count(c);
        return c;
    }

    @Override
    public int read(char[] buffer, int offset, int wanted) throws IOException {
        int got = super.read(buffer, offset, wanted);
        for (int i = offset; i < offset + got; i++) {
            count(buffer[i]);
        }
        return got;
    }

    private void count(int c) throws IOException {
        length = c == '\n' ? 0 : length + 1;
        if (length > MAX_LINE) {
            throw new IOException(
                    "a line is longer than %,d characters; this is no table of measurements".formatted(MAX_LINE));
        }
    }
}
