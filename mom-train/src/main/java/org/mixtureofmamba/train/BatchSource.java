package org.mixtureofmamba.train;

import java.util.Optional;

import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.data.loader.BatchLoader;
import org.mixtureofmamba.data.loader.Drawn;
import org.mixtureofmamba.data.loader.LoaderState;

/** Batches by number: the same number gives the same batch, whoever asks and whenever. */
@FunctionalInterface
public interface BatchSource {
    /** @param index from 0, below {@link #count()} */
    TokenBatch batch(long index);

    /** How many batches there are; {@link Long#MAX_VALUE} for no end. */
    default long count() {
        return Long.MAX_VALUE;
    }

    /** What makes the batches from a number on quick to reach again, if anything does. */
    default Optional<LoaderState> state(long index) {
        return Optional.empty();
    }

    /** Makes use of what {@link #state} gave; changes no batch. */
    default void resume(LoaderState state) {}

    /** What was drawn from each part of a corpus for the batches before a number, if they come from one. */
    default Optional<Drawn> drawn(long index) {
        return Optional.empty();
    }

    /** The batches of a loader. */
    static BatchSource of(BatchLoader loader) {
        return new BatchSource() {
            @Override
            public TokenBatch batch(long index) {
                return loader.batch(index);
            }

            @Override
            public long count() {
                return loader.steps();
            }

            @Override
            public Optional<LoaderState> state(long index) {
                return Optional.of(loader.state(index));
            }

            @Override
            public Optional<Drawn> drawn(long index) {
                return Optional.of(loader.drawn(index));
            }

            @Override
            public void resume(LoaderState state) {
                loader.resume(state);
            }
        };
    }
}
