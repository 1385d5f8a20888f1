package org.mixtureofmamba.data.shard;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Sizes and offsets of a token shard; docs/data-format.md tells the same in words. */
final class ShardFormat {
    static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** "MOMSHARD" as the bytes stand in the file. */
    static final long MAGIC = 0x44524148_534d4f4dL;

    /** Version 1 had two bits for the modality of a run. */
    static final int VERSION = 2;

    static final int OLDEST_VERSION = 1;
    /** Bits of a run that say its modality: eight at most; the others are its length. */
    static final int RUN_BITS = 3;

    private static final int RUN_BITS_OF_VERSION_1 = 2;

    static final int HEADER = 64;
    static final int AT_VERSION = 8;
    /** CRC-32C of header and section table, taken with this field zero. */
    static final int AT_CRC = 12;

    static final int AT_SECTIONS = 16;
    static final int AT_TOKEN_BYTES = 20;
    static final int AT_VOCABULARY = 24;
    static final int AT_DOCUMENTS = 32;
    static final int AT_TOKENS = 40;
    static final int AT_FILE_LENGTH = 48;

    /** One entry of the section table: u32 number, u32 CRC-32C, u64 offset, u64 length, u64 zero. */
    static final int ENTRY = 32;

    static final int ENTRY_CRC = 4;
    static final int ENTRY_OFFSET = 8;
    static final int ENTRY_LENGTH = 16;

    /** Sections start at multiples of this; the bytes between are zero and belong to the section before. */
    static final int ALIGNMENT = 64;

    static final int MAX_SECTIONS = 64;

    private ShardFormat() {}

    static int runBits(int version) {
        return version == 1 ? RUN_BITS_OF_VERSION_1 : RUN_BITS;
    }

    static long aligned(long offset) {
        return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
