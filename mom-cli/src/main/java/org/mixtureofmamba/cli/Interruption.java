package org.mixtureofmamba.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/** Turns Ctrl-C and SIGTERM into a wish to stop, and holds the process until that is done or the wish is made again. */
final class Interruption implements BooleanSupplier, AutoCloseable {
    private final AtomicBoolean wished = new AtomicBoolean();
    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread hook = new Thread(this::waitUntilDone, "interruption");

    Interruption() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void waitUntilDone() {
        wished.set(true);
        try {
            done.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the user wants the work to end at the next good moment. */
    @Override
    public boolean getAsBoolean() {
        return wished.get();
    }

    @Override
    public void close() {
        done.countDown();
        if (!wished.get()) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The process is on its way out already and the hook returns at once.
                wished.set(true);
            }
        }
    }
}
