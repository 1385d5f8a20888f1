package org.mixtureofmamba.core.nn;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.NoSuchElementException;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * What forward leaves for backward: a stack, since backward runs the layers in reverse. Each layer's backward pops
 * exactly what its forward pushed, last first.
 */
public final class Tape {
    private final Deque<Object> kept = new ArrayDeque<>();
    private final boolean recording;

    private Tape(boolean recording) {
        this.recording = recording;
    }

    /** A tape that keeps what it is given. */
    public static Tape recording() {
        return new Tape(true);
    }

    /** A tape for a forward that no backward follows. */
    public static Tape forgetting() {
        return new Tape(false);
    }

    public void push(Object value) {
        if (recording) {
            kept.push(value);
        }
    }

    /** @throws NoSuchElementException if backward asks for more than forward left */
    public Tensor pop() {
        return pop(Tensor.class);
    }

    /** The same of what is no tensor. */
    public <T> T pop(Class<T> type) {
        return type.cast(kept.pop());
    }

    public boolean isEmpty() {
        return kept.isEmpty();
    }
}
