package org.mixtureofmamba.core.backend;

/**
 * One step of AdamW (Loshchilov &amp; Hutter 2019, algorithm 2) with clipping by the global norm.
 *
 * @param step counted from 1, for the bias correction
 * @param learningRate of this step
 * @param weightDecay applied to the first {@code decayed} elements only, times the learning rate
 * @param decayed how many elements from the start of the flat buffer decay
 * @param clipNorm gradients are scaled so that their norm does not exceed it
 */
public record AdamW(
        long step,
        double learningRate,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        long decayed,
        double clipNorm) {}
