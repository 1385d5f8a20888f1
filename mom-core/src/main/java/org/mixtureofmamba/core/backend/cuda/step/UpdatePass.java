package org.mixtureofmamba.core.backend.cuda.step;

/** Launches AdamW over parts of a model's flat buffers, which begin and end at multiples of {@link #MULTIPLE}. */
interface UpdatePass {
    /** Elements. */
    int MULTIPLE = 1024;

    /** Parts beside scans in one step. */
    int MOST_BESIDE = 1024;

    /** What is written for an element. */
    enum Written {
        WHOLE,
        WEIGHTS,
        MOMENTS
    }

    /** On the whole card. */
    void alone(Written written, long from, long to);

    /**
     * Beside the scan launched last.
     *
     * @param number counted from 0 in each step
     */
    void besideLast(Written written, int number, long from, long to);
}
