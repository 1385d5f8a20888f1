package org.mixtureofmamba.eval;

import java.util.OptionalDouble;

/**
 * The losses at the last step that both runs have, means over seeds, nats.
 *
 * @param baseline the baseline's
 * @param other the other run's
 * @param gain baseline less other: above 0 the other is better
 * @param gainHalf half the 95 % interval of the gain over seeds, Student's t; empty for one seed
 */
public record Levels(double baseline, double other, double gain, OptionalDouble gainHalf) {}
