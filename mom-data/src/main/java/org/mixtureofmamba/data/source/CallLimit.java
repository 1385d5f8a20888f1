package org.mixtureofmamba.data.source;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import org.mixtureofmamba.core.FailureException;

/**
 * Ends calls into a library that wait for something that never comes: interrupts the calling thread once a call has
 * gone on for longer than a limit and nothing is known to keep it busy. For one calling thread at a time.
 */
final class CallLimit implements AutoCloseable {
    private final Duration limit;
    private final BooleanSupplier busy;
    private final Thread watch;
    private Thread caller = Thread.currentThread();
    private boolean calling;
    private long begun;
    private boolean exceeded;

    /** @param busy whether a wait is known to be for something that ends by itself, such as a read from the network */
    CallLimit(Duration limit, BooleanSupplier busy) {
        this.limit = limit;
        this.busy = busy;
        this.watch = Thread.ofVirtual().name("call-limit").start(this::watch);
    }

    /**
     * What the work gives.
     *
     * @throws FailureException if it took too long; then it was interrupted and what it gave is nothing
     */
    <T> T call(Supplier<T> work) {
        synchronized (this) {
            caller = Thread.currentThread();
            calling = true;
            begun = System.nanoTime();
        }
        try {
            return work.get();
        } finally {
            end();
        }
    }

    private synchronized void end() {
        calling = false;
        if (exceeded) {
            Thread.interrupted();
            throw new FailureException("it gave nothing for %d seconds".formatted(limit.toSeconds()));
        }
    }

    private void watch() {
        try {
            while (!isExceeded()) {
                Thread.sleep(limit.dividedBy(4));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean isExceeded() {
        if (calling && !busy.getAsBoolean() && System.nanoTime() - begun > limit.toNanos()) {
            exceeded = true;
            caller.interrupt();
        }
        return exceeded;
    }

    @Override
    public void close() {
        watch.interrupt();
    }
}
