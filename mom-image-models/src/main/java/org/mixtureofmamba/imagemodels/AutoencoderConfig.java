package org.mixtureofmamba.imagemodels;

import java.util.Map;
import java.util.TreeMap;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/**
 * Sizes of a convolutional encoder and its decoder. Pixels enter as patches, one position for each (sub-pixel layout:
 * Shi et al. 2016), so that no convolution runs at full resolution; each halving halves both sides and doubles the
 * channels.
 *
 * @param side of the square images, in pixels
 * @param patch side of a patch, in pixels
 * @param halvings convolutions of stride 2 in the encoder, and as many transposed ones in the decoder
 * @param width channels before the first halving
 * @param blocks residual blocks at each resolution
 * @param latent channels of a latent vector
 */
public record AutoencoderConfig(int side, int patch, int halvings, int width, int blocks, int latent) {
    private static final int MAX_SIDE = 4096;
    private static final int MAX_CHANNELS = 4096;
    private static final int MAX_BLOCKS = 64;

    public AutoencoderConfig {
        if (side < 1 || patch < 1 || halvings < 0 || width < 1 || blocks < 0 || latent < 1) {
            throw new UserException(
                    "an autoencoder of side %d, patch %d, %d halvings, width %d, %d blocks and %d latent channels does not exist"
                            .formatted(side, patch, halvings, width, blocks, latent));
        }
        if (side > MAX_SIDE
                || halvings > 12
                || (long) width << halvings > MAX_CHANNELS
                || blocks > MAX_BLOCKS
                || latent > MAX_CHANNELS
                || patch > side) {
            throw new UserException(
                    "an autoencoder of side %d, %d halvings, width %d, %d blocks and %d latent channels is larger than supported"
                            .formatted(side, halvings, width, blocks, latent));
        }
        if (side % (patch << halvings) != 0) {
            throw new UserException(
                    "images of %d pixels cannot be divided by %d; choose another side, patch or number of halvings"
                            .formatted(side, patch << halvings));
        }
    }

    /** Latents along each side of an image. */
    public int grid() {
        return side / (patch << halvings);
    }

    /** Latents of an image. */
    public int positions() {
        return grid() * grid();
    }

    /** Patches along each side of an image. */
    int patches() {
        return side / patch;
    }

    /** Numbers of a patch. */
    int patchChannels() {
        return 3 * patch * patch;
    }

    /** Settings of a parameter file. */
    Map<String, Integer> settings() {
        return new TreeMap<>(Map.of(
                "side",
                side,
                "patch",
                patch,
                "halvings",
                halvings + 1,
                "width",
                width,
                "blocks",
                blocks + 1,
                "latent",
                latent));
    }

    static AutoencoderConfig of(ParameterFile file) {
        return new AutoencoderConfig(
                file.setting("side"),
                file.setting("patch"),
                file.setting("halvings") - 1,
                file.setting("width"),
                file.setting("blocks") - 1,
                file.setting("latent"));
    }
}
