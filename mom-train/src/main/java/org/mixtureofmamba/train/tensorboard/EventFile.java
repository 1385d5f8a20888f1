package org.mixtureofmamba.train.tensorboard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Map;
import java.util.zip.CRC32C;

import org.mixtureofmamba.core.FailureException;

/**
 * Scalars by step in a file that TensorBoard reads. A file is a sequence of records, each
 *
 * <pre>
 * length    uint64
 * crc       uint32, masked CRC32C of length
 * data      an Event of tensorflow/core/util/event.proto
 * crc       uint32, masked CRC32C of data
 * </pre>
 *
 * little-endian. A directory may hold several, one for each part of a run: TensorBoard reads them in the order of their
 * names, which begin with the time.
 */
public final class EventFile implements AutoCloseable {
    /** Fields of Event. */
    private static final int WALL_TIME = 1;

    private static final int STEP = 2;
    private static final int FILE_VERSION = 3;
    private static final int SUMMARY = 5;
    private static final int SESSION_LOG = 7;
    /** Fields of Summary, of Summary.Value and of SessionLog; START tells a reader to forget later steps. */
    private static final int VALUE = 1;

    private static final int TAG = 1;
    private static final int SIMPLE_VALUE = 2;
    private static final int STATUS = 1;
    private static final int START = 1;

    private static final int CRC_MASK = 0xA282EAD8;

    private final Path file;
    private final FileChannel channel;
    private final Clock clock;

    private EventFile(Path file, FileChannel channel, Clock clock) {
        this.file = file;
        this.channel = channel;
        this.clock = clock;
    }

    /**
     * A new file in a directory.
     *
     * @param doneSteps of a run's earlier parts: what their files hold of later steps no longer counts
     * @throws FailureException if the disk refuses
     */
    public static EventFile create(Path directory, long doneSteps, Clock clock) {
        for (int part = 0; ; part++) {
            var file = directory.resolve("events.out.tfevents.%010d.%05d.mom"
                    .formatted(clock.instant().getEpochSecond(), part));
            try {
                var channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                var events = new EventFile(file, channel, clock);
                events.write(events.event().text(FILE_VERSION, "brain.Event:2"));
                if (doneSteps > 0) {
                    events.write(events.event()
                            .varint(STEP, doneSteps + 1)
                            .message(SESSION_LOG, new Message().varint(STATUS, START)));
                }
                return events;
            } catch (FileAlreadyExistsException e) {
                // Another part of this run began in the same second.
            } catch (IOException e) {
                throw failure(file, e);
            }
        }
    }

    /** @param scalars by tag */
    public void write(long step, Map<String, Double> scalars) {
        var summary = new Message();
        scalars.forEach((tag, value) ->
                summary.message(VALUE, new Message().text(TAG, tag).float32(SIMPLE_VALUE, value.floatValue())));
        write(event().varint(STEP, step).message(SUMMARY, summary));
    }

    private Message event() {
        return new Message().float64(WALL_TIME, clock.millis() * 1e-3);
    }

    private void write(Message event) {
        var data = event.toBytes();
        var record = ByteBuffer.allocate(Long.BYTES + Integer.BYTES + data.length + Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(data.length)
                .putInt(maskedCrc(record.array(), Long.BYTES))
                .put(data)
                .putInt(maskedCrc(data, data.length))
                .flip();
        try {
            while (record.hasRemaining()) {
                channel.write(record);
            }
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    /** A CRC of data that hold CRCs is weak, so the format stores it rotated and shifted. */
    private static int maskedCrc(byte[] bytes, int count) {
        var crc = new CRC32C();
        crc.update(bytes, 0, count);
        return Integer.rotateRight((int) crc.getValue(), 15) + CRC_MASK;
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
