package org.mixtureofmamba.cli;

import java.io.PrintStream;
import java.util.Locale;

import org.mixtureofmamba.data.prepare.PrepareProgress;

/** Says on stderr how far tokenising is, once in a while. */
final class PreparationProgress implements PrepareProgress {
    private static final long NANOS_BETWEEN_LINES = 2_000_000_000L;

    private final PrintStream err;
    private long lastLine = System.nanoTime();

    PreparationProgress(PrintStream err) {
        this.err = err;
    }

    @Override
    public void at(String part, long samples, long skipped, long tokens) {
        long now = System.nanoTime();
        if (now - lastLine > NANOS_BETWEEN_LINES) {
            lastLine = now;
            err.println(String.format(
                    Locale.ROOT,
                    "tokenising %s: %,d samples, %,d skipped, %,d tokens",
                    part,
                    samples,
                    skipped,
                    tokens));
        }
    }

    @Override
    public void sent(String key) {
        err.println("sent " + key);
    }
}
