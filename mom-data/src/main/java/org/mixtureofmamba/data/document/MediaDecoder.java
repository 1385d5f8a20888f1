package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;

/** Turns encoded media into pixels and sound. */
public interface MediaDecoder {
    /**
     * Pixels of an encoded image.
     *
     * @throws UserException if the bytes are no image that can be read
     */
    BufferedImage image(byte[] encoded, String name);

    /**
     * Mono sound in [-1, 1] at the rate of the speech tokenizer.
     *
     * @throws UserException if the bytes are no recording that can be read
     */
    float[] sound(byte[] encoded, String name);

    /** The image and audio formats of mom-tokenizers. */
    static MediaDecoder standard() {
        return new MediaDecoder() {
            @Override
            public BufferedImage image(byte[] encoded, String name) {
                try {
                    return ImageFiles.read(new ByteArrayInputStream(encoded), name);
                } catch (IOException e) {
                    throw new UserException("%s does not decode as an image: %s".formatted(name, e.getMessage()), e);
                }
            }

            @Override
            public float[] sound(byte[] encoded, String name) {
                try {
                    return AudioFiles.read(new ByteArrayInputStream(encoded), name);
                } catch (IOException e) {
                    throw new UserException("%s does not decode as sound: %s".formatted(name, e.getMessage()), e);
                }
            }
        };
    }
}
