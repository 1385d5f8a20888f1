package org.mixtureofmamba.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Optional;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * How far a countable piece of work is, on stderr: on a terminal a bar with the time left, elsewhere a line once in a
 * while.
 */
final class CountProgress implements AutoCloseable {
    private static final int WIDTH = 118;
    private static final long NANOS_BETWEEN_LINES = 2_000_000_000L;

    private final String unit;
    private final long total;
    private final PrintWriter err;
    private final Optional<ProgressBar> bar;
    private long done;
    private long lastLine = System.nanoTime();

    /**
     * @param unit what is counted, in the plural
     * @param done how many are behind us already
     */
    CountProgress(String unit, long done, long total, PrintWriter err) {
        this.unit = unit;
        this.done = done;
        this.total = total;
        this.err = err;
        bar = Optional.of(unit)
                .filter(_ -> Boolean.getBoolean("mom.terminal"))
                .map(name -> new ProgressBarBuilder()
                        .setTaskName(name)
                        .setInitialMax(total)
                        .startsFrom(done, Duration.ZERO)
                        .setStyle(ProgressBarStyle.ASCII)
                        .setUpdateIntervalMillis(500)
                        .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
                        .build());
    }

    /** One more is done. */
    void step(String message) {
        done++;
        if (bar.isPresent()) {
            bar.get().setExtraMessage(message.isEmpty() ? "" : " " + message);
            bar.get().step();
            return;
        }
        long now = System.nanoTime();
        if (now - lastLine > NANOS_BETWEEN_LINES) {
            lastLine = now;
            err.println("%d of %d %s%s".formatted(done, total, unit, message.isEmpty() ? "" : ", " + message));
        }
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
    }
}
