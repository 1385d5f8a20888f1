package org.mixtureofmamba.core.backend;

/** The updates of one model's weights, step by step, parts of which may hide in the step that follows. */
public interface Update extends StepSchedule, AutoCloseable {
    /**
     * The gradients' squared norm, then AdamW. Weights may be used where the next step says that it needs them; all
     * else that reads weights or moments asks for {@link #finish} first.
     */
    void step(AdamW settings);

    /** As a step whose norm is not finite: takes as long and changes nothing. */
    void rehearse(AdamW settings);

    /** Gives the device all that is left of the last step. */
    void finish();

    /** Finishes and waits, so that the buffers can be freed. */
    @Override
    void close();
}
