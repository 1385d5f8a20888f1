package org.mixtureofmamba.train.watch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows that were added to a table of a run since the last look. A run that was resumed has taken rows back; then
 * all is read again.
 */
final class FollowedTable {
    /** Read in one look; a long table takes several. */
    private static final int MOST_BYTES = 16 << 20;

    private final Path file;
    private List<String> columns = List.of();
    private long offset;
    private double lastStep;

    FollowedTable(Path file) {
        this.file = file;
    }

    /** What is told of a table. */
    interface Reader {
        /** What was told before no longer counts. */
        void startAgain();

        /**
         * @param cells numbers by column, in the order of the table, without those that are empty or no numbers;
         *     {@code step} is always there
         */
        void row(Map<String, Double> cells);
    }

    /** Tells all whole rows since the last look. A file that is not there, or not yet, has none. */
    void look(Reader reader) throws IOException {
        if (!Files.exists(file)) {
            return;
        }
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() < offset) {
                startAgain(reader);
            }
            var buffer = ByteBuffer.allocate((int) Math.min(MOST_BYTES, channel.size() - offset));
            while (buffer.hasRemaining() && channel.read(buffer, offset + buffer.position()) >= 0) {
                // Reads on until the buffer is full or the file ends.
            }
            var bytes = buffer.array();
            int start = 0;
            for (int i = 0; i < buffer.position(); i++) {
                if (bytes[i] == '\n') {
                    var line = new String(bytes, start, i - start, StandardCharsets.UTF_8);
                    start = i + 1;
                    if (!take(List.of(line.split(",", -1)), reader)) {
                        startAgain(reader);
                        return;
                    }
                }
            }
            offset += start;
        }
    }

    private void startAgain(Reader reader) {
        offset = 0;
        lastStep = 0;
        columns = List.of();
        reader.startAgain();
    }

    /** False where a step comes again: the rows told before it were taken back. A damaged row is passed over. */
    private boolean take(List<String> cells, Reader reader) {
        if (columns.isEmpty()) {
            columns = cells;
            return true;
        }
        var row = new LinkedHashMap<String, Double>();
        for (int i = 0; i < Math.min(cells.size(), columns.size()); i++) {
            try {
                row.put(columns.get(i), Double.parseDouble(cells.get(i)));
            } catch (NumberFormatException e) {
                // Nothing was measured there.
            }
        }
        if (row.containsKey("step") && cells.size() == columns.size()) {
            if (row.get("step") <= lastStep) {
                return false;
            }
            lastStep = row.get("step");
            reader.row(row);
        }
        return true;
    }
}
