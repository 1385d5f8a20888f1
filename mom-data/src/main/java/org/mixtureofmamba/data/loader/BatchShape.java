package org.mixtureofmamba.data.loader;

import org.mixtureofmamba.core.UserException;

/**
 * The tokens of one step and this worker's share of them. The batch is that of the whole step, whatever the number of
 * workers, so that the same tokens are trained on by one worker or by many.
 *
 * @param batch rows of a step over all workers, B
 * @param length tokens of a row, L
 * @param worker this worker, from 0
 * @param workers how many share a step; at most {@code batch}
 */
public record BatchShape(int batch, int length, int worker, int workers) {
    public BatchShape {
        if (batch < 1 || length < 2) {
            throw new UserException(
                    "a batch of %d sequences of %d tokens: take at least 1 of 2".formatted(batch, length));
        }
        if (workers < 1 || worker < 0 || worker >= workers || workers > batch) {
            throw new UserException(
                    "worker %d of %d cannot share a batch of %d sequences; take no more workers than sequences"
                            .formatted(worker, workers, batch));
        }
    }

    /** A single worker's batch. */
    public static BatchShape of(int batch, int length) {
        return new BatchShape(batch, length, 0, 1);
    }

    /** The first row that is this worker's. */
    public int firstRow() {
        return (int) ((long) batch * worker / workers);
    }

    /** How many rows are this worker's, one after another. */
    public int rows() {
        return (int) ((long) batch * (worker + 1) / workers) - firstRow();
    }
}
