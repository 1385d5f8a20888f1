package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;

/**
 * How a {@link ConvolutionalQuantizer} is learned.
 *
 * @param config sizes of the networks
 * @param codes size of the codebook
 * @param batch images of a step
 * @param steps of the optimizer
 * @param warmup first steps without quantisation; what the encoder then gives is clustered for the first codebook
 * @param learningRate at its highest, falling linearly to zero
 * @param commitment weight of the encoder's distance from the codes it chooses
 * @param edge weight of the difference of gradients in the loss
 * @param decay share of the past in the codebook's moving averages
 * @param maxImages how many images stay in memory, three bytes a pixel
 * @param seed of everything drawn
 */
public record ConvolutionalQuantizerTrainer(
        AutoencoderConfig config,
        int codes,
        int batch,
        int steps,
        int warmup,
        double learningRate,
        double commitment,
        double edge,
        double decay,
        int maxImages,
        long seed) {
    public ConvolutionalQuantizerTrainer {
        if (codes < 1 || batch < 1 || warmup < 0 || steps <= warmup || maxImages < 1) {
            throw new UserException("%d codes, %d images a step, %d steps, %d of them warm-up, %d images: each must be positive, steps more than warm-up"
                    .formatted(codes, batch, steps, warmup, maxImages));
        }
        if (!(learningRate > 0) || !(commitment >= 0) || !(edge >= 0) || !(decay > 0 && decay < 1)) {
            throw new UserException("learning rate %s, commitment %s, edge %s, decay %s: the first must be positive, the last below one"
                    .formatted(learningRate, commitment, edge, decay));
        }
    }

    /** 64 x 64 images as 64 codes of 512. */
    public static ConvolutionalQuantizerTrainer small(long seed) {
        return new ConvolutionalQuantizerTrainer(AutoencoderConfig.small(16), 512, 16, 3_500, 0, 1e-3, 0.25, 0, 0.99, 200_000, seed);
    }

    /** 256 x 256 images as 256 codes of 8,192. */
    public static ConvolutionalQuantizerTrainer medium(long seed) {
        return large(new AutoencoderConfig(256, 4, 2, 96, 2, 16), seed);
    }

    /** 512 x 512 images as 1,024 codes of 8,192: Chameleon's. */
    public static ConvolutionalQuantizerTrainer chameleon(long seed) {
        return large(new AutoencoderConfig(512, 4, 2, 96, 2, 16), seed);
    }

    private static ConvolutionalQuantizerTrainer large(AutoencoderConfig config, long seed) {
        return new ConvolutionalQuantizerTrainer(config, 8192, 16, 200_000, 0, 3e-4, 0.25, 0, 0.99, 50_000, seed);
    }

    /** Begins training on images of any size. */
    public QuantizerTraining begin(Stream<BufferedImage> images) {
        return new QuantizerTraining(this, new TrainingImages(images, config.side(), maxImages, seed));
    }

    /**
     * Learns from images of any size.
     *
     * @throws UserException if they show fewer different patches than there are codes
     */
    public ConvolutionalQuantizer train(Stream<BufferedImage> images) {
        var training = begin(images);
        while (!training.finished()) {
            training.step();
        }
        return training.quantizer();
    }
}
