package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;

/**
 * An image to a fixed number of continuous vectors, in raster order, as Transfusion sees it. Safe for use by many
 * threads.
 */
public interface LatentEncoder {
    /** Vectors of every image. */
    int patches();

    /** Numbers of a vector, C. */
    int width();

    /** The vectors [patches, C] of an image of any size. */
    float[] encode(BufferedImage image);
}
