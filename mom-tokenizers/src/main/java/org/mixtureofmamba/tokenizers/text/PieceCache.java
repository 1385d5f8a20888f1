package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;

/**
 * The tokens of pieces seen before. Direct-mapped and of fixed size: a collision replaces. Many threads share it
 * without locks, because an entry is immutable and a lost write costs only a second merge.
 */
final class PieceCache {
    /** Longer pieces are rare and not worth their memory. */
    static final int LONGEST_PIECE = 64;

    private static final int SLOTS = 1 << 16;

    private final Entry[] entries = new Entry[SLOTS];

    private record Entry(byte[] piece, int[] ids) {}

    /** The ids of bytes [start, end), or null if they are not here. */
    int[] get(byte[] text, int start, int end, int hash) {
        Entry entry = entries[slot(hash)];
        if (entry == null || !Arrays.equals(entry.piece, 0, entry.piece.length, text, start, end)) {
            return null;
        }
        return entry.ids;
    }

    void put(byte[] text, int start, int end, int hash, int[] ids) {
        entries[slot(hash)] = new Entry(Arrays.copyOfRange(text, start, end), ids);
    }

    static int hash(byte[] text, int start, int end) {
        int h = end - start;
        for (int i = start; i < end; i++) {
            h = h * 31 + text[i];
        }
        return h * 0x9E3779B9;
    }

    private static int slot(int hash) {
        return hash >>> 16;
    }
}
