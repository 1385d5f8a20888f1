package org.mixtureofmamba.train;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.List;

import org.apache.commons.csv.CSVFormat;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;

/** A {@link Table} as it grows; rows are on their way to disk as soon as they are written. */
final class StepLog implements AutoCloseable {
    private static final CSVFormat FORMAT =
            CSVFormat.DEFAULT.builder().setRecordSeparator('\n').get();
    private static final int LONGEST_LINE = 1 << 16;

    private final Path file;
    private final FileChannel channel;
    private final MessageDigest digest;

    private StepLog(Path file, FileChannel channel, MessageDigest digest) {
        this.file = file;
        this.channel = channel;
        this.digest = digest;
    }

    /** A new file; one that is there is replaced. */
    static StepLog create(Path directory, Table table) {
        var file = directory.resolve(table.file());
        try {
            var channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
            var log = new StepLog(file, channel, Sha256.digest());
            log.append(List.copyOf(table.columns()));
            return log;
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /**
     * A file as it was at a checkpoint. Rows after it are forgotten, one that a crash left unfinished among them.
     *
     * @throws UserException if the rows before it are not those that were written, naming the line
     */
    static StepLog resume(Path directory, Table table, LogMark mark) {
        var file = directory.resolve(table.file());
        try {
            if (!Files.isRegularFile(file)) {
                throw damaged(file, "", "it is missing");
            }
            var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
            try {
                var digest = digestOf(channel, mark.bytes());
                if (!Sha256.hex(digest).equals(mark.sha256())) {
                    throw findDamage(file, table, channel.size(), mark);
                }
                channel.truncate(mark.bytes());
                channel.position(mark.bytes());
                return new StepLog(file, channel, digest);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private static MessageDigest digestOf(FileChannel channel, long bytes) throws IOException {
        var digest = Sha256.digest();
        var buffer = ByteBuffer.allocate(1 << 16);
        long left = bytes;
        while (left > 0) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), left));
            int read = channel.read(buffer);
            if (read < 0) {
                break;
            }
            digest.update(buffer.flip());
            left -= read;
        }
        return digest;
    }

    /** What is wrong with a file that is not what a checkpoint counts. */
    private static UserException findDamage(Path file, Table table, long size, LogMark mark) throws IOException {
        try (var in = new BufferedInputStream(Files.newInputStream(file))) {
            long read = 0;
            long step = 0;
            for (int number = 1; read < Math.min(size, mark.bytes()); number++) {
                var bytes = line(in);
                read += bytes.length + 1;
                var place = ":" + number;
                if (bytes.length > LONGEST_LINE) {
                    return damaged(file, place, "the line is too long");
                }
                List<String> cells;
                try {
                    cells = List.of(StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes))
                            .toString()
                            .split(",", -1));
                } catch (CharacterCodingException e) {
                    return damaged(file, place, "a byte is not UTF-8");
                }
                if (number == 1) {
                    if (!cells.equals(table.columns())) {
                        return damaged(file, place, "the columns are not " + String.join(",", table.columns()));
                    }
                    continue;
                }
                if (cells.size() != table.columns().size()) {
                    return damaged(
                            file,
                            place,
                            "%d cells where there are %d columns"
                                    .formatted(cells.size(), table.columns().size()));
                }
                if (!cells.getFirst().matches("[1-9]\\d{0,17}")) {
                    return damaged(file, place, "the step is '%s'".formatted(cells.getFirst()));
                }
                long next = Long.parseLong(cells.getFirst());
                if (next <= step || table.everyStep() && next != step + 1) {
                    return damaged(file, place, "step %d comes after step %d".formatted(next, step));
                }
                step = next;
            }
            return size < mark.bytes()
                    ? damaged(file, "", "rows after step %d are missing".formatted(step))
                    : damaged(file, "", "a figure in it was changed");
        }
    }

    private static byte[] line(InputStream file) throws IOException {
        var line = new ByteArrayOutputStream();
        for (int c = file.read(); c >= 0 && c != '\n' && line.size() <= LONGEST_LINE; c = file.read()) {
            line.write(c);
        }
        return line.toByteArray();
    }

    private static UserException damaged(Path file, String place, String what) {
        return new UserException(
                "%s%s is not as the checkpoint left it: %s; put it back, or begin a new run with init=%s"
                        .formatted(file, place, what, file.getParent()));
    }

    /** @param cells the first one the step; an empty string where nothing was measured */
    void append(List<?> cells) {
        var line = (FORMAT.format(cells.toArray()) + "\n").getBytes(StandardCharsets.UTF_8);
        try {
            var bytes = ByteBuffer.wrap(line);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            digest.update(line);
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /** Waits until all rows are on disk. */
    LogMark force() {
        try {
            channel.force(true);
            return new LogMark(channel.position(), Sha256.hex(digest));
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
            channel.close();
        } catch (IOException e) {
            throw failure(file, e);
        }
    }
}
