package org.mixtureofmamba.train;

/**
 * How much of a {@link StepLog} there was at a checkpoint: what comes later is forgotten on resuming, what came before
 * must be as it was.
 *
 * @param bytes from the start of the file
 * @param sha256 of these bytes
 */
record LogMark(long bytes, String sha256) {}
