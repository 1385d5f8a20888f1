package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;

/** An int array that grows. */
final class IntArray {
    private int[] values;
    private int size;

    IntArray(int capacity) {
        values = new int[Math.max(capacity, 4)];
    }

    void add(int value) {
        if (size == values.length) {
            grow(size + 1);
        }
        values[size++] = value;
    }

    void addAll(int[] source, int count) {
        if (size + count > values.length) {
            grow(size + count);
        }
        System.arraycopy(source, 0, values, size, count);
        size += count;
    }

    int get(int index) {
        return values[index];
    }

    void clear() {
        size = 0;
    }

    int last() {
        return values[size - 1];
    }

    int size() {
        return size;
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }

    private void grow(int needed) {
        values = Arrays.copyOf(values, Math.max(needed, values.length + (values.length >> 1)));
    }
}
