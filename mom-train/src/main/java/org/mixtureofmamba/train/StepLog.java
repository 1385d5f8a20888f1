package org.mixtureofmamba.train;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;

/** A CSV file of a run, its first column the step; rows are on their way to disk as soon as they are written. */
final class StepLog implements AutoCloseable {
    private static final CSVFormat FORMAT =
            CSVFormat.DEFAULT.builder().setRecordSeparator('\n').get();

    private final Path file;
    private final BufferedWriter writer;
    private final CSVPrinter printer;

    /**
     * Opens a file whose rows after a step are forgotten, or a new one. A row that a crash left unfinished is one of
     * them.
     *
     * @param lastStep 0 to start from nothing
     */
    static StepLog open(Path file, List<String> columns, long lastStep) {
        try {
            var kept = new StringBuilder(String.join(",", columns)).append('\n');
            if (lastStep > 0 && Files.exists(file)) {
                try (var lines = Files.lines(file, StandardCharsets.UTF_8)) {
                    lines.skip(1)
                            .takeWhile(line -> stepOf(line) <= lastStep)
                            .forEach(line -> kept.append(line).append('\n'));
                }
            }
            AtomicFiles.writeString(file, kept.toString());
            return new StepLog(file);
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private StepLog(Path file) throws IOException {
        this.file = file;
        this.writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8, StandardOpenOption.APPEND);
        this.printer = new CSVPrinter(writer, FORMAT);
    }

    private static long stepOf(String line) {
        int comma = line.indexOf(',');
        try {
            return comma < 0 ? Long.MAX_VALUE : Long.parseLong(line.substring(0, comma));
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }

    /** @param cells the first one the step; an empty string where nothing was measured */
    void append(Object... cells) {
        try {
            printer.printRecord(cells);
            writer.flush();
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /** Waits until all rows are on disk. */
    void force() {
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private static FailureException failure(Path file, IOException e) {
        return new FailureException(
                "cannot write %s: %s; free space, then --resume".formatted(file, e.getMessage()), e);
    }

    @Override
    public void close() {
        try {
            printer.close();
        } catch (IOException e) {
            throw failure(file, e);
        }
    }
}
