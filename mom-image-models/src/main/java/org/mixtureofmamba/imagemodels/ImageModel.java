package org.mixtureofmamba.imagemodels;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;

/**
 * The convolutional models of images that a command trains by name; those of 64 pixels ship trained, see
 * {@link PretrainedImages}.
 */
public enum ImageModel {
    /** 64 x 64 pixels as 64 codes of 512. */
    VQ_64 {
        @Override
        public ImageModelTrainer trainer(long seed) {
            var recipe = new AutoencoderRecipe(
                    new AutoencoderConfig(64, 4, 1, 64, 2, 16), 16, 10_000, 2e-3, 0.25, 0, 0.002, 200_000, seed);
            return new ConvolutionalQuantizerTrainer(recipe, 512, 6, 0.99);
        }
    },
    /** 256 x 256 pixels as 256 codes of 8,192. */
    VQ_256 {
        @Override
        public ImageModelTrainer trainer(long seed) {
            return large(256, seed);
        }
    },
    /** 512 x 512 pixels as 1,024 codes of 8,192: Chameleon's (arXiv 2405.09818). */
    VQ_512 {
        @Override
        public ImageModelTrainer trainer(long seed) {
            return large(512, seed);
        }
    },
    /** 64 x 64 pixels as 8 x 8 latents of 8. */
    KL_64 {
        @Override
        public ImageModelTrainer trainer(long seed) {
            var recipe = new AutoencoderRecipe(
                    new AutoencoderConfig(64, 4, 1, 64, 2, 8), 16, 6_000, 2e-3, 0.25, 0, 0.002, 200_000, seed);
            return new KlAutoencoderTrainer(recipe, 0.03);
        }
    },
    /** 256 x 256 pixels as 32 x 32 latents of 8: Transfusion's (arXiv 2408.11039). */
    KL_256 {
        @Override
        public ImageModelTrainer trainer(long seed) {
            var recipe = new AutoencoderRecipe(
                    new AutoencoderConfig(256, 4, 1, 128, 2, 8), 16, 100_000, 1e-3, 0.25, 0, 0.002, 50_000, seed);
            return new KlAutoencoderTrainer(recipe, 0.03);
        }
    };

    /** How it is learned. */
    public abstract ImageModelTrainer trainer(long seed);

    private static ImageModelTrainer large(int side, long seed) {
        var recipe = new AutoencoderRecipe(
                new AutoencoderConfig(side, 4, 2, 96, 2, 16), 16, 200_000, 1e-3, 0.25, 0, 0.002, 50_000, seed);
        return new ConvolutionalQuantizerTrainer(recipe, 8192, 6, 0.99);
    }

    /** The name in commands, as {@code vq-64}. */
    public String key() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * The model of a name.
     *
     * @throws UserException if there is none, naming those there are
     */
    public static ImageModel named(String name) {
        return Arrays.stream(values())
                .filter(model -> model.key().equals(name))
                .findFirst()
                .orElseThrow(() -> new UserException("there is no image model '%s'; there are %s"
                        .formatted(
                                name,
                                Arrays.stream(values()).map(ImageModel::key).collect(Collectors.joining(", ")))));
    }
}
