package org.mixtureofmamba.imagemodels;

import java.io.IOException;
import java.io.InputStream;

import org.mixtureofmamba.core.FailureException;

/** The models of images that ship with this module; MODEL-CARD.md says what they were trained on. */
public final class PretrainedImages {
    /** The name of {@link #quantizer} in commands. */
    public static final String QUANTIZER = ImageModel.VQ_64.key();

    /** The name of {@link #autoencoder}. */
    public static final String AUTOENCODER = ImageModel.KL_64.key();

    private PretrainedImages() {}

    /** 64 x 64 pixels to 64 codes of 512. */
    public static ConvolutionalQuantizer quantizer() {
        return read(QUANTIZER, ConvolutionalQuantizer::read);
    }

    /** 64 x 64 pixels to 8 x 8 latents of 8. */
    public static KlAutoencoder autoencoder() {
        return read(AUTOENCODER, KlAutoencoder::read);
    }

    private interface Reader<T> {
        T read(InputStream in, String source) throws IOException;
    }

    private static <T> T read(String name, Reader<T> reader) {
        try (var in = open(name)) {
            return reader.read(in, name);
        } catch (IOException e) {
            throw new FailureException("%s is damaged: %s".formatted(name, e), e);
        }
    }

    /** The file of {@link #QUANTIZER} or {@link #AUTOENCODER}. */
    static InputStream open(String name) {
        String resource = name + ".safetensors";
        InputStream in = PretrainedImages.class.getResourceAsStream(resource);
        if (in == null) {
            throw new FailureException("%s is not in this build".formatted(resource));
        }
        return in;
    }
}
