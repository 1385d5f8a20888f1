package org.mixtureofmamba.tokenizers.speech;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The bits of a FLAC file, most significant first, and the checksums of the bytes they came from. */
final class FlacBits {
    private static final int CRC_8 = 0x07;
    private static final int CRC_16 = 0x8005;
    private static final int[] TABLE_8 = table(CRC_8, 8);
    private static final int[] TABLE_16 = table(CRC_16, 16);

    private final InputStream in;
    private final byte[] buffer = new byte[1 << 13];
    private int at;
    private int limit;
    /** Of which the lowest {@link #left} bits, fewer than 8, are still to be read. */
    private long window;

    private int left;
    private int crc8;
    private int crc16;

    FlacBits(InputStream in) {
        this.in = in;
    }

    private static int[] table(int polynomial, int width) {
        int[] table = new int[256];
        for (int i = 0; i < table.length; i++) {
            int crc = i << width - 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 1 << width - 1) != 0 ? crc << 1 ^ polynomial : crc << 1;
            }
            table[i] = crc & (1 << width) - 1;
        }
        return table;
    }

    private boolean filled() throws IOException {
        if (at == limit) {
            at = 0;
            limit = Math.max(0, in.read(buffer));
        }
        return at < limit;
    }

    private int nextByte() throws IOException {
        if (!filled()) {
            throw new EOFException("it is cut short");
        }
        int value = buffer[at++] & 0xFF;
        crc8 = TABLE_8[crc8 ^ value];
        crc16 = crc16 << 8 & 0xFFFF ^ TABLE_16[crc16 >> 8 ^ value];
        return value;
    }

    /** Whether no byte follows; only where bits are {@link #align aligned}. */
    boolean atEnd() throws IOException {
        return !filled();
    }

    /** Starts both checksums anew. */
    void resetChecksums() {
        crc8 = 0;
        crc16 = 0;
    }

    /** Reads a CRC-8 and says whether it is that of the bytes before it. */
    boolean headerMatches() throws IOException {
        int expected = crc8;
        return bits(8) == expected;
    }

    /** Reads a CRC-16 and says whether it is that of the bytes before it. */
    boolean frameMatches() throws IOException {
        int expected = crc16;
        return bits(16) == expected;
    }

    /** Passes over what is left of a byte. */
    void align() {
        left = 0;
    }

    /** Passes over whole bytes. */
    void skip(int bytes) throws IOException {
        for (int i = 0; i < bytes; i++) {
            nextByte();
        }
    }

    /** The next 0 to 32 bits. */
    int bits(int count) throws IOException {
        while (left < count) {
            window = window << 8 | nextByte();
            left += 8;
        }
        left -= count;
        return (int) (window >>> left & (1L << count) - 1);
    }

    /** The next 0 to 32 bits as a number in two's complement. */
    int signed(int count) throws IOException {
        return count == 0 ? 0 : bits(count) << 32 - count >> 32 - count;
    }

    /** Zeros before the next one, which is read too. */
    int zeros() throws IOException {
        int zeros = 0;
        while (bits(1) == 0) {
            zeros++;
        }
        return zeros;
    }

    /** A number in Rice code: its high bits in unary, the low ones plain, its sign in the lowest. */
    int rice(int parameter) throws IOException {
        int folded = zeros() << parameter | bits(parameter);
        return folded >>> 1 ^ -(folded & 1);
    }
}
