package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;

/** Turns encoded media into pixels and sound. */
public interface MediaDecoder {
    /**
     * Pixels of an encoded image.
     *
     * @throws org.mixtureofmamba.core.UserException if the bytes are no image that can be read
     */
    BufferedImage image(byte[] encoded, String name);

    /**
     * Mono sound in [-1, 1] at {@code sampleRate} of an encoded recording of any rate.
     *
     * @throws org.mixtureofmamba.core.UserException if the bytes are no recording that can be read
     */
    float[] sound(byte[] encoded, String name, int sampleRate);
}
