package org.mixtureofmamba.train;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.mixtureofmamba.data.loader.LoaderState;

/**
 * The contents of {@code trainer.json}: all of a checkpoint that is no tensor.
 *
 * @param step steps done
 * @param loader where the loader stands
 * @param data fingerprint of tokenizers and corpus
 * @param logs how much of each {@link Table} belongs to the checkpoint, by file name
 * @param sha256 of the files beside it, by name
 */
record TrainerState(
        long step,
        Spent spent,
        Optional<LoaderState> loader,
        String data,
        Map<String, LogMark> logs,
        Map<String, String> sha256) {
    TrainerState {
        logs = Collections.unmodifiableMap(new TreeMap<>(logs));
        sha256 = Collections.unmodifiableMap(new TreeMap<>(sha256));
    }

    Trainer.Progress progress() {
        return new Trainer.Progress(step, spent);
    }
}
