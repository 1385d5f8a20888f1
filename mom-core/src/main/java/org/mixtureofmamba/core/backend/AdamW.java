package org.mixtureofmamba.core.backend;

/**
 * One step of AdamW (Loshchilov &amp; Hutter 2019, algorithm 2) with clipping by the global norm.
 *
 * @param step counted from 1, for the bias correction
 * @param learningRate of this step
 * @param weightDecay times the learning rate, of the elements that decay
 * @param clipNorm gradients are scaled so that their norm does not exceed it
 */
public record AdamW(
        long step,
        double learningRate,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double clipNorm) {}
