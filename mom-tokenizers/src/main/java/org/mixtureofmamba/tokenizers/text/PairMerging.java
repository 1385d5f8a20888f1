package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;
import java.util.PriorityQueue;

/**
 * The pieces of the training text as token sequences, with the count of every adjacent pair kept up to date as pairs
 * merge. A merge touches only the pieces that hold its pair; the most frequent pair comes from a heap whose entries are
 * checked against the true count when they surface.
 */
final class PairMerging {
    /** No pair is frequent enough. */
    static final long NONE = -1;

    /** All pieces end to end; piece p is [start[p], start[p] + length[p]). */
    private final int[] symbols;

    private final int[] start;
    private final int[] length;
    private final long[] weight;

    private final PairMap pairIndex = new PairMap(1 << 14);
    private long[] pairCount = new long[1 << 14];
    /** Pieces a pair was seen in, maybe no longer; freed when the pair is merged. */
    private IntArray[] pairPieces = new IntArray[1 << 14];

    private int pairs;
    private final PriorityQueue<Candidate> queue = new PriorityQueue<>();
    private long[] pairKey = new long[1 << 14];
    /** The merge in which a pair last became more frequent. */
    private int[] grownIn = new int[1 << 14];
    /** Pairs that the merge under way made more frequent, to be queued once each at its end. */
    private final IntArray grown = new IntArray(1 << 10);

    private int merges = 1;

    private record Candidate(long count, long pair, int index) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            int byCount = Long.compare(other.count, count);
            return byCount != 0 ? byCount : Long.compare(pair, other.pair);
        }
    }

    PairMerging(PieceCounts pieces, int[] idOfByte) {
        int n = pieces.size();
        start = new int[n];
        length = new int[n];
        weight = new long[n];
        long total = 0;
        for (int p = 0; p < n; p++) {
            total += pieces.length(p);
        }
        symbols = new int[Math.toIntExact(total)];
        int at = 0;
        for (int p = 0; p < n; p++) {
            start[p] = at;
            length[p] = pieces.length(p);
            weight[p] = pieces.count(p);
            for (int i = 0; i < length[p]; i++) {
                symbols[at++] = idOfByte[pieces.byteAt(p, i) & 0xFF];
            }
        }
        for (int p = 0; p < n; p++) {
            for (int i = start[p]; i + 1 < start[p] + length[p]; i++) {
                change(PairMap.key(symbols[i], symbols[i + 1]), weight[p], p);
            }
        }
        queueGrown();
    }

    /**
     * The pair of highest count, the smallest of equals, or {@link #NONE} under {@code minCount}; call {@link #merge}
     * with it next.
     */
    long mostFrequent(long minCount) {
        while (!queue.isEmpty()) {
            Candidate top = queue.poll();
            long count = pairCount[top.index];
            if (count != top.count) {
                if (count > 0) {
                    queue.add(new Candidate(count, top.pair, top.index));
                }
                continue;
            }
            return count < minCount ? NONE : top.pair;
        }
        return NONE;
    }

    /** Replaces every occurrence of a pair, from the left, by one token. */
    void merge(long pair, int token) {
        int index = pairIndex.get(pair);
        IntArray pieces = pairPieces[index];
        pairPieces[index] = new IntArray(0);
        int left = (int) (pair >>> 32);
        int right = (int) pair;
        for (int k = 0; k < pieces.size(); k++) {
            mergeIn(pieces.get(k), left, right, token);
        }
        // of overlapping occurrences (a a a) only one merged, the others are gone all the same
        pairCount[index] = 0;
        queueGrown();
    }

    private void mergeIn(int piece, int left, int right, int token) {
        int from = start[piece];
        int end = from + length[piece];
        int out = from;
        long w = weight[piece];
        for (int i = from; i < end; i++) {
            if (symbols[i] != left || i + 1 >= end || symbols[i + 1] != right) {
                symbols[out++] = symbols[i];
                continue;
            }
            if (out > from) {
                int before = symbols[out - 1];
                change(PairMap.key(before, left), -w, piece);
                change(PairMap.key(before, token), w, piece);
            }
            if (i + 2 < end) {
                int after = symbols[i + 2];
                change(PairMap.key(right, after), -w, piece);
                change(PairMap.key(token, after), w, piece);
            }
            symbols[out++] = token;
            i++;
        }
        length[piece] = out - from;
    }

    private void change(long pair, long by, int piece) {
        int index = pairIndex.get(pair);
        if (index == PairMap.ABSENT) {
            index = newPair(pair);
        }
        pairCount[index] += by;
        if (by > 0) {
            IntArray pieces = pairPieces[index];
            if (pieces.size() == 0 || pieces.last() != piece) {
                pieces.add(piece);
            }
            if (grownIn[index] != merges) {
                grownIn[index] = merges;
                grown.add(index);
            }
        }
    }

    private int newPair(long pair) {
        int index = pairs++;
        pairIndex.put(pair, index);
        if (index == pairCount.length) {
            int capacity = index * 2;
            pairCount = Arrays.copyOf(pairCount, capacity);
            pairPieces = Arrays.copyOf(pairPieces, capacity);
            pairKey = Arrays.copyOf(pairKey, capacity);
            grownIn = Arrays.copyOf(grownIn, capacity);
        }
        pairPieces[index] = new IntArray(2);
        pairKey[index] = pair;
        return index;
    }

    private void queueGrown() {
        for (int i = 0; i < grown.size(); i++) {
            int index = grown.get(i);
            if (pairCount[index] > 0) {
                queue.add(new Candidate(pairCount[index], pairKey[index], index));
            }
        }
        grown.clear();
        merges++;
    }
}
