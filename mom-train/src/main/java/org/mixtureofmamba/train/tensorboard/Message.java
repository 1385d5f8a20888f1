package org.mixtureofmamba.train.tensorboard;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A protobuf message as it is encoded, field after field: only the types that events need. */
final class Message {
    private static final int VARINT = 0;
    private static final int FIXED_64 = 1;
    private static final int LENGTH_DELIMITED = 2;
    private static final int FIXED_32 = 5;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Message varint(int field, long value) {
        tag(field, VARINT);
        put(value);
        return this;
    }

    Message float64(int field, double value) {
        tag(field, FIXED_64);
        bytes.writeBytes(little(Double.BYTES).putDouble(value).array());
        return this;
    }

    Message float32(int field, float value) {
        tag(field, FIXED_32);
        bytes.writeBytes(little(Float.BYTES).putFloat(value).array());
        return this;
    }

    Message text(int field, String value) {
        return delimited(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message value) {
        return delimited(field, value.toBytes());
    }

    byte[] toBytes() {
        return bytes.toByteArray();
    }

    private Message delimited(int field, byte[] value) {
        tag(field, LENGTH_DELIMITED);
        put(value.length);
        bytes.writeBytes(value);
        return this;
    }

    private void tag(int field, int type) {
        put((long) field << 3 | type);
    }

    /** Seven bits a byte, the lowest first; the highest bit says that more follow. */
    private void put(long value) {
        long left = value;
        while ((left & ~0x7FL) != 0) {
            bytes.write((int) (left & 0x7F | 0x80));
            left >>>= 7;
        }
        bytes.write((int) left);
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
