package org.mixtureofmamba.train;

import java.nio.file.Path;
import java.util.Optional;

import org.mixtureofmamba.core.nn.Losses;
import org.mixtureofmamba.data.loader.Drawn;

/** What a run tells as it goes. Called by the training thread: a slow listener slows the run, though not its clock. */
public interface TrainingListener {
    /** A listener that does nothing. */
    TrainingListener SILENT = new TrainingListener() {};

    /**
     * Before the first step.
     *
     * @param doneSteps steps of earlier parts of a resumed run
     * @param parameters how many numbers are trained
     */
    default void started(RunConfig config, long doneSteps, long parameters) {}

    /** What the user should know of this run that is no error, in one line. */
    default void noted(String note) {}

    /** After each step. */
    default void stepped(StepMetrics metrics) {}

    /** After each held-out evaluation. */
    default void evaluated(long step, Losses heldOut) {}

    /** After each checkpoint. */
    default void saved(long step, Path checkpoint) {}

    /**
     * At the end, which is before the last step if the run was asked to stop.
     *
     * @param drawn what was drawn from each part of the corpus so far, if the batches come from one
     */
    default void finished(long step, Optional<Drawn> drawn) {}
}
