package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.util.stream.Stream;

/** How a convolutional model of images is learned. */
public sealed interface ImageModelTrainer permits ConvolutionalQuantizerTrainer, KlAutoencoderTrainer {
    /** Of its networks. */
    AutoencoderRecipe recipe();

    /** The same with another recipe. */
    ImageModelTrainer with(AutoencoderRecipe recipe);

    /**
     * Begins training on images of any size.
     *
     * @throws org.mixtureofmamba.core.UserException if there is none, or they show fewer different patches than there
     *     are codes
     */
    ImageModelTraining begin(Stream<BufferedImage> images);
}
