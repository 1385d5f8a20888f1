package org.mixtureofmamba.core.backend;

/**
 * What a training step does in which order, said out loud by the model as it happens. What runs beside a step (an
 * update that is put off, the gradients' norm, a reduction over several devices) hangs on these events; nothing else
 * tells it which memory is free. The parts of a model are told in the order of forward and, in backward, in the
 * reverse.
 */
public interface StepSchedule {
    /** A model that is only asked for its losses. */
    StepSchedule NONE = new StepSchedule() {
        @Override
        public void weightsNeeded(Span weights) {}

        @Override
        public void gradientsOverwritten(Span gradients) {}

        @Override
        public void gradientsFinal(Span gradients) {}
    };

    /**
     * A part of the flat buffers.
     *
     * @param from its first element
     * @param to the element after its last
     */
    record Span(long from, long to) {}

    /**
     * Before a part's forward, and before its backward: what is given to the backend from here on reads its weights.
     */
    void weightsNeeded(Span weights);

    /** Before the first backward of a step writes a part's gradients: what they held is lost. */
    void gradientsOverwritten(Span gradients);

    /** After the last backward of a step: what was given to the backend until here has written a part's gradients. */
    void gradientsFinal(Span gradients);
}
