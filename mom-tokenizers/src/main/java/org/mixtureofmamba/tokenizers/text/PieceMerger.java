package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;

/**
 * Merges the bytes of one piece: always the pair of lowest rank, the leftmost of equals (Sennrich et al. 2016). Short
 * pieces take a scan for each merge, long ones a heap over a linked list, O(n log n). Holds scratch space: one thread
 * at a time.
 */
final class PieceMerger {
    /** Up to this many bytes the quadratic scan is the faster way. */
    private static final int SHORT_PIECE = 40;

    private static final int NO_RANK = Integer.MAX_VALUE;

    private final PairMap ranks;
    private final int[] merged;
    private final int[] idOfByte;
    private int[] ids = new int[SHORT_PIECE];
    private final int[] rankOf = new int[SHORT_PIECE];

    PieceMerger(PairMap ranks, int[] merged, int[] idOfByte) {
        this.ranks = ranks;
        this.merged = merged;
        this.idOfByte = idOfByte;
    }

    /** Merges bytes [start, end) and returns the number of tokens, which stand at the front of {@link #ids()}. */
    int merge(byte[] text, int start, int end) {
        int n = end - start;
        if (ids.length < n) {
            ids = new int[n];
        }
        for (int i = 0; i < n; i++) {
            ids[i] = idOfByte[text[start + i] & 0xFF];
        }
        return n <= SHORT_PIECE ? mergeByScan(n) : mergeByHeap(n);
    }

    int[] ids() {
        return ids;
    }

    private int mergeByScan(int count) {
        int n = count;
        for (int i = 0; i + 1 < n; i++) {
            rankOf[i] = rank(ids[i], ids[i + 1]);
        }
        while (n > 1) {
            int best = 0;
            for (int i = 1; i + 1 < n; i++) {
                if (rankOf[i] < rankOf[best]) {
                    best = i;
                }
            }
            if (rankOf[best] == NO_RANK) {
                break;
            }
            ids[best] = merged[rankOf[best]];
            System.arraycopy(ids, best + 2, ids, best + 1, n - best - 2);
            if (best + 2 < n) {
                System.arraycopy(rankOf, best + 2, rankOf, best + 1, n - best - 2);
                rankOf[best] = rank(ids[best], ids[best + 1]);
            }
            n--;
            if (best > 0) {
                rankOf[best - 1] = rank(ids[best - 1], ids[best]);
            }
        }
        return n;
    }

    private int mergeByHeap(int n) {
        int[] next = new int[n];
        int[] previous = new int[n];
        var heap = new LongHeap(n);
        for (int i = 0; i < n; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
            if (i + 1 < n) {
                offer(heap, i, rank(ids[i], ids[i + 1]));
            }
        }
        while (!heap.isEmpty()) {
            long top = heap.poll();
            int at = (int) top;
            int rank = (int) (top >>> 32);
            // an entry is stale once either of its two tokens was merged away or grew
            if (ids[at] < 0 || next[at] >= n || rank(ids[at], ids[next[at]]) != rank) {
                continue;
            }
            int gone = next[at];
            ids[at] = merged[rank];
            ids[gone] = -1;
            next[at] = next[gone];
            if (next[at] < n) {
                previous[next[at]] = at;
                offer(heap, at, rank(ids[at], ids[next[at]]));
            }
            if (previous[at] >= 0) {
                offer(heap, previous[at], rank(ids[previous[at]], ids[at]));
            }
        }
        int count = 0;
        for (int i = 0; i < n; i = next[i]) {
            ids[count++] = ids[i];
        }
        return count;
    }

    private static void offer(LongHeap heap, int at, int rank) {
        if (rank != NO_RANK) {
            heap.add((long) rank << 32 | at);
        }
    }

    private int rank(int left, int right) {
        int rank = ranks.get(PairMap.key(left, right));
        return rank == PairMap.ABSENT ? NO_RANK : rank;
    }

    /** A binary min-heap of longs. */
    private static final class LongHeap {
        private long[] values;
        private int size;

        LongHeap(int capacity) {
            values = new long[Math.max(capacity, 4)];
        }

        boolean isEmpty() {
            return size == 0;
        }

        void add(long value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, size * 2);
            }
            int i = size++;
            for (int parent; i > 0 && values[parent = (i - 1) >>> 1] > value; i = parent) {
                values[i] = values[parent];
            }
            values[i] = value;
        }

        long poll() {
            long least = values[0];
            long moved = values[--size];
            int i = 0;
            for (int child = 1; child < size; child = 2 * i + 1) {
                if (child + 1 < size && values[child + 1] < values[child]) {
                    child++;
                }
                if (values[child] >= moved) {
                    break;
                }
                values[i] = values[child];
                i = child;
            }
            values[i] = moved;
            return least;
        }
    }
}
