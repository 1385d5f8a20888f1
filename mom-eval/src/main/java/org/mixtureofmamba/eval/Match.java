package org.mixtureofmamba.eval;

/** Where a run met the baseline's final loss, if it did. */
public sealed interface Match {
    /** Met at this step, interpolated between two logged ones. */
    record Reached(double step) implements Match {}

    /** Not met up to the run's last step. */
    record NotReached(double lastStep) implements Match {}
}
