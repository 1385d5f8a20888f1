package org.mixtureofmamba.train.tensorboard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads event files by the definitions of the formats alone (TFRecord; protobuf's wire format; event.proto and
 * summary.proto of TensorFlow), sharing nothing with what writes them.
 */
public final class Events {
    private Events() {}

    public record Event(
            double wallTime,
            long step,
            Optional<String> fileVersion,
            Map<String, Float> scalars,
            boolean sessionStart) {}

    /** A field: its number and either a number's bits or bytes. */
    private record Field(int number, long bits, ByteBuffer bytes) {}

    /** @throws IOException if a checksum is wrong or the file ends within a record */
    public static List<Event> read(Path file) throws IOException {
        var in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        var events = new ArrayList<Event>();
        while (in.hasRemaining()) {
            check(in, Long.BYTES);
            long length = in.getLong();
            in.getInt();
            if (length < 0 || length > in.remaining() - Integer.BYTES) {
                throw new IOException("a record of %d bytes is cut off".formatted(length));
            }
            check(in, (int) length);
            events.add(event(in.slice(in.position(), (int) length)));
            in.position(in.position() + (int) length + Integer.BYTES);
        }
        return events;
    }

    /** Castagnoli's CRC, bit by bit, of the next bytes against the one after them. */
    private static void check(ByteBuffer in, int length) throws IOException {
        int crc = ~0;
        for (int i = 0; i < length; i++) {
            crc ^= in.get(in.position() + i) & 0xFF;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >>> 1 ^ ((crc & 1) == 0 ? 0 : 0x82F63B78);
            }
        }
        crc = ~crc;
        int masked = (crc >>> 15 | crc << 17) + 0xa282ead8;
        if (in.getInt(in.position() + length) != masked) {
            throw new IOException("the checksum of %d bytes at %d is wrong".formatted(length, in.position()));
        }
    }

    private static Event event(ByteBuffer data) {
        double wallTime = Double.NaN;
        long step = 0;
        var version = Optional.<String>empty();
        var scalars = new LinkedHashMap<String, Float>();
        boolean start = false;
        for (var field : fields(data)) {
            switch (field.number()) {
                case 1 -> wallTime = Double.longBitsToDouble(field.bits());
                case 2 -> step = field.bits();
                case 3 -> version = Optional.of(text(field.bytes()));
                case 5 -> fields(field.bytes()).forEach(value -> addScalar(value, scalars));
                case 7 -> start = fields(field.bytes()).getFirst().bits() == 1;
                default -> throw new AssertionError("field " + field.number());
            }
        }
        return new Event(wallTime, step, version, scalars, start);
    }

    private static void addScalar(Field value, Map<String, Float> scalars) {
        var tag = Optional.<String>empty();
        for (var field : fields(value.bytes())) {
            switch (field.number()) {
                case 1 -> tag = Optional.of(text(field.bytes()));
                case 2 -> scalars.put(tag.orElseThrow(), Float.intBitsToFloat((int) field.bits()));
                default -> throw new AssertionError("field " + field.number());
            }
        }
    }

    private static List<Field> fields(ByteBuffer message) {
        var in = message.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        var fields = new ArrayList<Field>();
        while (in.hasRemaining()) {
            long key = varint(in);
            int number = (int) (key >>> 3);
            switch ((int) (key & 7)) {
                case 0 -> fields.add(new Field(number, varint(in), in));
                case 1 -> fields.add(new Field(number, in.getLong(), in));
                case 2 -> {
                    int length = (int) varint(in);
                    fields.add(new Field(number, 0, in.slice(in.position(), length)));
                    in.position(in.position() + length);
                }
                case 5 -> fields.add(new Field(number, in.getInt(), in));
                default -> throw new AssertionError("wire type " + (key & 7));
            }
        }
        return fields;
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        int shift = 0;
        byte next;
        do {
            next = in.get();
            value |= (long) (next & 0x7F) << shift;
            shift += 7;
        } while (next < 0);
        return value;
    }

    private static String text(ByteBuffer bytes) {
        return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
    }
}
