package org.mixtureofmamba.data.prepare;

/** Hears how far a preparation is, from the thread that runs it. */
@FunctionalInterface
public interface PrepareProgress {
    PrepareProgress SILENT = (_, _, _, _) -> {};

    /**
     * Called every few samples.
     *
     * @param part being prepared
     * @param samples of it done so far, in finished shards too
     * @param skipped of them in this run
     * @param tokens made of them in this run
     */
    void at(String part, long samples, long skipped, long tokens);

    /** A file of the corpus has gone to the bucket that it is prepared into. */
    default void sent(String key) {}
}
