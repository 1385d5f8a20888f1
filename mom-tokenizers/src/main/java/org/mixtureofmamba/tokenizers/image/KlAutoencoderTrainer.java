package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;

/**
 * How a {@link KlAutoencoder} is learned.
 *
 * @param config sizes of the networks
 * @param batch images of a step
 * @param steps of the optimizer
 * @param learningRate at its highest, falling linearly to zero
 * @param divergence weight of the Kullback-Leibler divergence of a latent number from a standard normal one, against the mean squared
 *     error of a pixel's colour
 * @param edge weight of the difference of gradients in the loss
 * @param maxImages how many images stay in memory, three bytes a pixel
 * @param seed of everything drawn
 */
public record KlAutoencoderTrainer(
        AutoencoderConfig config, int batch, int steps, double learningRate, double divergence, double edge, int maxImages, long seed) {
    public KlAutoencoderTrainer {
        if (batch < 1 || steps < 1 || maxImages < 1) {
            throw new UserException("%d images a step, %d steps, %d images: all must be positive".formatted(batch, steps, maxImages));
        }
        if (!(learningRate > 0) || !(divergence >= 0) || !(edge >= 0)) {
            throw new UserException("learning rate %s, divergence %s, edge %s: the first must be positive, the others not negative"
                    .formatted(learningRate, divergence, edge));
        }
    }

    /** 64 x 64 images as 8 x 8 latents of 8. */
    public static KlAutoencoderTrainer small(long seed) {
        return new KlAutoencoderTrainer(AutoencoderConfig.small(8), 16, 1_200, 1e-3, 1e-3, 0, 200_000, seed);
    }

    /** Transfusion's 256 x 256 images as 32 x 32 latents of 8. */
    public static KlAutoencoderTrainer transfusion(long seed) {
        return new KlAutoencoderTrainer(new AutoencoderConfig(256, 4, 1, 128, 2, 8), 16, 100_000, 3e-4, 1e-3, 0, 200_000, seed);
    }

    /** Begins training on images of any size. */
    public KlTraining begin(Stream<BufferedImage> images) {
        return new KlTraining(this, new TrainingImages(images, config.side(), maxImages, seed));
    }
}
