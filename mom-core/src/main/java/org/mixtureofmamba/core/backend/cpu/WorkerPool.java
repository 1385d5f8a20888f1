package org.mixtureofmamba.core.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A few threads that share the items of one operation after another. Which worker does an item is a matter of timing,
 * so an item's result must not depend on it: items write apart from one another, and how many there are depends on
 * shapes alone, never on the number of threads. Then any number of threads gives the same bits.
 */
final class WorkerPool implements AutoCloseable {
    /** Work of {@code item}, in memory that belongs to {@code worker} for as long as the call takes. */
    @FunctionalInterface
    interface Task {
        void run(int item, int worker);
    }

    /** About as long as the next operation takes to come, some tens of microseconds; after that a thread sleeps. */
    private static final int SPINS = 2_000;

    private final Thread[] threads;
    private volatile Job job = new Job(0, (item, worker) -> {}, Thread.currentThread());
    private volatile boolean closed;

    /** @param workers how many, the calling thread included */
    WorkerPool(int workers) {
        threads = new Thread[workers - 1];
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] = Thread.ofPlatform().daemon().name("mom-cpu-" + worker).start(() -> serve(worker));
        }
    }

    int workers() {
        return threads.length + 1;
    }

    /** Runs all items, the calling thread taking part as worker 0; rethrows what one of them threw. */
    void run(int items, Task task) {
        if (threads.length == 0 || items <= 1) {
            for (int item = 0; item < items; item++) {
                task.run(item, 0);
            }
            return;
        }
        var next = new Job(items, task, Thread.currentThread());
        job = next;
        for (var thread : threads) {
            LockSupport.unpark(thread);
        }
        next.work(0);
        next.await();
    }

    private void serve(int worker) {
        var seen = job;
        seen.work(worker);
        while (!closed) {
            for (int spin = 0; job == seen && spin < SPINS; spin++) {
                Thread.onSpinWait();
            }
            while (job == seen && !closed) {
                LockSupport.park(this);
            }
            seen = job;
            seen.work(worker);
        }
    }

    @Override
    public void close() {
        closed = true;
        for (var thread : threads) {
            LockSupport.unpark(thread);
        }
        boolean interrupted = false;
        for (var thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The items of one operation. A thread that comes late finds none left and does no harm. */
    private static final class Job {
        private final int items;
        private final Task task;
        private final Thread caller;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<Throwable> failure = new AtomicReference<>();

        Job(int items, Task task, Thread caller) {
            this.items = items;
            this.task = task;
            this.caller = caller;
        }

        void work(int worker) {
            for (int item = next.getAndIncrement(); item < items; item = next.getAndIncrement()) {
                try {
                    task.run(item, worker);
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
                if (done.incrementAndGet() == items) {
                    LockSupport.unpark(caller);
                }
            }
        }

        void await() {
            for (int spin = 0; done.get() < items && spin < SPINS; spin++) {
                Thread.onSpinWait();
            }
            while (done.get() < items) {
                LockSupport.park(this);
            }
            switch (failure.get()) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
    }
}
