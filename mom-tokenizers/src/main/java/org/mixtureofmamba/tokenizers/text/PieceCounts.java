package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;

import org.mixtureofmamba.core.FailureException;

/**
 * How often each piece occurs: an open-addressing table over one arena of bytes, about 24 bytes a piece beside its
 * text. At its limit it forgets the rarest pieces (Manku and Motwani 2002, lossy counting), so memory is bounded
 * whatever the corpus.
 */
final class PieceCounts {
    private final int limit;
    private byte[] arena = new byte[1 << 20];
    private int arenaSize;
    /** Piece i lies at [offset[i], offset[i + 1]) of the arena. */
    private int[] offset = new int[1 << 14];

    private long[] count = new long[1 << 14];
    private int[] hash = new int[1 << 14];
    private int size;
    /** Piece index + 1 by slot, 0 for none. */
    private int[] slots = new int[1 << 15];

    private long forgetBelow = 1;

    PieceCounts(int limit) {
        this.limit = limit;
    }

    int size() {
        return size;
    }

    long count(int piece) {
        return count[piece];
    }

    int length(int piece) {
        return offset[piece + 1] - offset[piece];
    }

    byte byteAt(int piece, int index) {
        return arena[offset[piece] + index];
    }

    void add(byte[] text, int start, int end, long times) {
        int h = PieceCache.hash(text, start, end);
        int mask = slots.length - 1;
        int i = h ^ h >>> 15;
        for (i &= mask; slots[i] != 0; i = i + 1 & mask) {
            int piece = slots[i] - 1;
            if (hash[piece] == h && Arrays.equals(arena, offset[piece], offset[piece + 1], text, start, end)) {
                count[piece] += times;
                return;
            }
        }
        slots[i] = size + 1;
        append(text, start, end, h, times);
        if (size > limit) {
            forgetRarest();
        } else if (size * 2 > slots.length) {
            rehash(slots.length * 2);
        }
    }

    void addAll(PieceCounts other) {
        for (int piece = 0; piece < other.size; piece++) {
            add(other.arena, other.offset[piece], other.offset[piece + 1], other.count[piece]);
        }
    }

    private void append(byte[] text, int start, int end, int h, long times) {
        int length = end - start;
        if (arena.length - arenaSize < length) {
            long wanted = Math.max((long) arenaSize + length, arena.length * 3L / 2);
            if ((long) arenaSize + length > Integer.MAX_VALUE - 16) {
                throw new FailureException("different pieces of the training text exceed 2 GB; lower maxPieces");
            }
            arena = Arrays.copyOf(arena, (int) Math.min(wanted, Integer.MAX_VALUE - 16));
        }
        if (size + 2 > offset.length) {
            int capacity = offset.length * 2;
            offset = Arrays.copyOf(offset, capacity);
            count = Arrays.copyOf(count, capacity);
            hash = Arrays.copyOf(hash, capacity);
        }
        System.arraycopy(text, start, arena, arenaSize, length);
        arenaSize += length;
        hash[size] = h;
        count[size] = times;
        offset[++size] = arenaSize;
    }

    /** Drops pieces up to a count that rises until at most three quarters of the limit are left. */
    private void forgetRarest() {
        while (size > limit - limit / 4) {
            int kept = 0;
            int keptBytes = 0;
            for (int piece = 0; piece < size; piece++) {
                if (count[piece] <= forgetBelow) {
                    continue;
                }
                int start = offset[piece];
                int length = offset[piece + 1] - start;
                System.arraycopy(arena, start, arena, keptBytes, length);
                count[kept] = count[piece];
                hash[kept] = hash[piece];
                offset[kept] = keptBytes;
                keptBytes += length;
                kept++;
            }
            offset[kept] = keptBytes;
            size = kept;
            arenaSize = keptBytes;
            forgetBelow++;
        }
        forgetBelow = 1;
        rehash(slots.length);
    }

    private void rehash(int capacity) {
        slots = new int[capacity];
        int mask = capacity - 1;
        for (int piece = 0; piece < size; piece++) {
            int i = (hash[piece] ^ hash[piece] >>> 15) & mask;
            while (slots[i] != 0) {
                i = i + 1 & mask;
            }
            slots[i] = piece + 1;
        }
    }
}
