package org.mixtureofmamba.tokenizers;

import java.awt.image.BufferedImage;
import java.util.List;

/** An image to a fixed number of codes, in raster order, and back. Safe for use by many threads. */
public interface ImageTokenizer extends Tokenizer {
    /** Number of different codes; codes lie in [0, codebookSize). */
    int codebookSize();

    /** Number of codes of every image. */
    int tokensPerImage();

    /** Width in pixels that images are brought to before encoding, and that decoded images have. */
    int width();

    /** Height in pixels; see {@link #width()}. */
    int height();

    /**
     * Codes [tokensPerImage] of an image of any size: transparency over white, scaled to cover, cropped at the centre.
     */
    int[] encode(BufferedImage image);

    /**
     * Codes of each of several images, as {@link #encode(BufferedImage)} gives them; where a network does the work,
     * faster than one by one.
     */
    default List<int[]> encode(List<BufferedImage> images) {
        return images.stream().map(this::encode).toList();
    }

    /**
     * The RGB image that codes [tokensPerImage] stand for.
     *
     * @throws org.mixtureofmamba.core.UserException if the count is not {@link #tokensPerImage()} or a code is outside
     *     the codebook
     */
    BufferedImage decode(int[] codes);
}
