package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;

/**
 * How a {@link ConvolutionalQuantizer} is learned.
 *
 * @param recipe of the networks
 * @param codes size of the codebook
 * @param commitment weight of the encoder's distance from the codes it chooses
 * @param decay share of the past in the codebook's moving averages
 */
public record ConvolutionalQuantizerTrainer(AutoencoderRecipe recipe, int codes, double commitment, double decay)
        implements ImageModelTrainer {
    public ConvolutionalQuantizerTrainer {
        if (codes < 1 || !(commitment >= 0) || !(decay > 0 && decay < 1)) {
            throw new UserException(
                    "%d codes, commitment %s, decay %s: the first must be positive, the last between zero and one"
                            .formatted(codes, commitment, decay));
        }
    }

    @Override
    public ConvolutionalQuantizerTrainer with(AutoencoderRecipe other) {
        return new ConvolutionalQuantizerTrainer(other, codes, commitment, decay);
    }

    /** The same with another size of codebook. */
    public ConvolutionalQuantizerTrainer withCodes(int size) {
        return new ConvolutionalQuantizerTrainer(recipe, size, commitment, decay);
    }

    @Override
    public QuantizerTraining begin(Stream<BufferedImage> images) {
        return new QuantizerTraining(
                this, new TrainingImages(images, recipe.config().side(), recipe.maxImages(), recipe.seed()));
    }
}
