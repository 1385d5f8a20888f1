package org.mixtureofmamba.tokenizers;

import java.awt.image.BufferedImage;

/**
 * An image to a grid of continuous vectors, each number of about mean 0 and deviation 1, and back. Safe for use by many
 * threads.
 */
public interface LatentImageCodec extends Tokenizer {
    /** Width and height in pixels that images are brought to before encoding, and that decoded images have. */
    int side();

    /** Vectors along each side of the grid. */
    int grid();

    /** Numbers of each vector. */
    int channels();

    /**
     * Latents [grid, grid, channels], row-major, of an image of any size: the mean of their distribution, so always the
     * same.
     */
    float[] encode(BufferedImage image);

    /**
     * The RGB image that latents [grid, grid, channels] stand for.
     *
     * @throws org.mixtureofmamba.core.UserException if the count is not grid² · channels or a number is not finite
     */
    BufferedImage decode(float[] latents);
}
