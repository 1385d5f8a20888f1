package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;

/** Pairs of token ids to a non-negative int: open addressing, linear probing, at most half full. */
final class PairMap {
    static final int ABSENT = -1;
    private static final long EMPTY = -1;

    private long[] keys;
    private int[] values;
    private int size;

    PairMap(int expected) {
        allocate(Math.max(16, Integer.highestOneBit(Math.max(expected, 1)) * 4));
    }

    static long key(int left, int right) {
        return (long) left << 32 | right;
    }

    /** The value of a pair, or {@link #ABSENT}. */
    int get(long key) {
        int mask = keys.length - 1;
        for (int i = slot(key, mask); ; i = i + 1 & mask) {
            long k = keys[i];
            if (k == key) {
                return values[i];
            }
            if (k == EMPTY) {
                return ABSENT;
            }
        }
    }

    /** Sets the value of a pair and returns the former one, or {@link #ABSENT}. */
    int put(long key, int value) {
        if (size * 2 >= keys.length) {
            long[] oldKeys = keys;
            int[] oldValues = values;
            allocate(keys.length * 2);
            size = 0;
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldKeys[i] != EMPTY) {
                    put(oldKeys[i], oldValues[i]);
                }
            }
        }
        int mask = keys.length - 1;
        int i = slot(key, mask);
        while (keys[i] != EMPTY) {
            if (keys[i] == key) {
                int former = values[i];
                values[i] = value;
                return former;
            }
            i = i + 1 & mask;
        }
        keys[i] = key;
        values[i] = value;
        size++;
        return ABSENT;
    }

    private void allocate(int capacity) {
        keys = new long[capacity];
        Arrays.fill(keys, EMPTY);
        values = new int[capacity];
    }

    private static int slot(long key, int mask) {
        long h = key * 0x9E3779B97F4A7C15L;
        return (int) (h >>> 32) & mask;
    }
}
