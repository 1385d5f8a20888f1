package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;

/**
 * How a {@link KlAutoencoder} is learned.
 *
 * @param recipe of the networks
 * @param divergence weight of the Kullback-Leibler divergence of a latent number from a standard normal one
 */
public record KlAutoencoderTrainer(AutoencoderRecipe recipe, double divergence) implements ImageModelTrainer {
    public KlAutoencoderTrainer {
        if (!(divergence >= 0)) {
            throw new UserException("divergence %s is negative".formatted(divergence));
        }
    }

    @Override
    public KlAutoencoderTrainer with(AutoencoderRecipe other) {
        return new KlAutoencoderTrainer(other, divergence);
    }

    @Override
    public KlTraining begin(Stream<BufferedImage> images) {
        return new KlTraining(
                this, new TrainingImages(images, recipe.config().side(), recipe.maxImages(), recipe.seed()));
    }
}
