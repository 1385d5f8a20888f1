package org.mixtureofmamba.imagemodels;

import org.mixtureofmamba.core.UserException;

/**
 * How the two networks of an autoencoder are learned, whatever lies between them.
 *
 * @param config sizes of the networks
 * @param batch images of a step
 * @param steps of the optimizer
 * @param learningRate at its highest
 * @param cooling share of the steps, at their end, over which the rate falls linearly to zero
 * @param edge weight of the difference of gradients in the loss
 * @param relative see {@link ReconstructionLoss}: zero for a plain mean over images
 * @param maxImages how many images stay in memory, three bytes a pixel
 * @param seed of everything drawn
 */
public record AutoencoderRecipe(
        AutoencoderConfig config,
        int batch,
        int steps,
        double learningRate,
        double cooling,
        double edge,
        double relative,
        int maxImages,
        long seed) {
    public AutoencoderRecipe {
        if (batch < 1 || steps < 1 || maxImages < 1) {
            throw new UserException(
                    "%d images a step, %d steps, %d images: all must be positive".formatted(batch, steps, maxImages));
        }
        if (!(learningRate > 0) || !(cooling > 0 && cooling <= 1)) {
            throw new UserException("learning rate %s, cooling %s: both must be positive, the second at most one"
                    .formatted(learningRate, cooling));
        }
        if (!(edge >= 0) || !(relative >= 0)) {
            throw new UserException("edge %s, relative %s: neither may be negative".formatted(edge, relative));
        }
    }

    /** The same with another number of steps. */
    public AutoencoderRecipe withSteps(int number) {
        return new AutoencoderRecipe(config, batch, number, learningRate, cooling, edge, relative, maxImages, seed);
    }

    /** The same with another number of images a step. */
    public AutoencoderRecipe withBatch(int size) {
        return new AutoencoderRecipe(config, size, steps, learningRate, cooling, edge, relative, maxImages, seed);
    }
}
