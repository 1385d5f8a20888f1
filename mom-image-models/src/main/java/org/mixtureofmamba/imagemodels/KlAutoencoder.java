package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.LatentImageCodec;
import org.mixtureofmamba.tokenizers.image.Pixels;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/**
 * A variational autoencoder (Kingma and Welling 2013) whose latents keep the places of an image, as latent diffusion
 * uses them (Rombach et al. 2022). Latents are normalised by mean and deviation of each channel over the training
 * images.
 */
public final class KlAutoencoder implements LatentImageCodec {
    /** The kind in a file. */
    public static final String KIND = "conv-kl";

    private static final String MEAN = "latent.mean";
    private static final String DEVIATION = "latent.deviation";

    private final AutoencoderConfig config;
    private final float[] mean;
    private final float[] deviation;
    private final AutoencoderRunner runner;

    /** @param parameters of encoder and decoder by name */
    KlAutoencoder(AutoencoderConfig config, float[] mean, float[] deviation, Map<String, float[]> parameters) {
        this.config = config;
        this.mean = ParameterFile.halved(mean);
        this.deviation = ParameterFile.halved(deviation);
        for (float d : this.deviation) {
            if (!(d > 0)) {
                throw new UserException(
                        "a channel of latents that never changes cannot be normalised; train on more images");
            }
        }
        runner = new AutoencoderRunner(config, 2 * config.latent(), parameters);
    }

    /** Reads the file that {@link #save} wrote. */
    public static KlAutoencoder load(Path file) {
        return of(ParameterFile.load(file, KIND));
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static KlAutoencoder read(InputStream in, String source) throws IOException {
        return of(ParameterFile.read(in, KIND, source));
    }

    private static KlAutoencoder of(ParameterFile file) {
        var config = AutoencoderConfig.of(file);
        var parameters = new HashMap<>(file.arrays());
        parameters.remove(MEAN);
        parameters.remove(DEVIATION);
        return new KlAutoencoder(
                config, file.array(MEAN, config.latent()), file.array(DEVIATION, config.latent()), parameters);
    }

    @Override
    public void save(Path file) {
        var arrays = new HashMap<>(runner.parameters());
        arrays.put(MEAN, mean);
        arrays.put(DEVIATION, deviation);
        new ParameterFile(KIND, config.settings(), arrays).saveHalved(file);
    }

    @Override
    public String kind() {
        return KIND;
    }

    /** Sizes of the networks. */
    public AutoencoderConfig config() {
        return config;
    }

    @Override
    public int side() {
        return config.side();
    }

    @Override
    public int grid() {
        return config.grid();
    }

    @Override
    public int channels() {
        return config.latent();
    }

    @Override
    public float[] encode(BufferedImage image) {
        float[] moments =
                runner.encode(Pixels.fit(image, config.side(), config.side()).rgb(), 1);
        float[] latents = new float[config.positions() * config.latent()];
        for (int i = 0; i < latents.length; i++) {
            int channel = i % config.latent();
            latents[i] =
                    (moments[i / config.latent() * 2 * config.latent() + channel] - mean[channel]) / deviation[channel];
        }
        return latents;
    }

    @Override
    public BufferedImage decode(float[] latents) {
        if (latents.length != config.positions() * config.latent()) {
            throw new UserException("%d numbers are no latents of an image; one has %d"
                    .formatted(latents.length, config.positions() * config.latent()));
        }
        float[] raw = new float[latents.length];
        for (int i = 0; i < raw.length; i++) {
            int channel = i % config.latent();
            raw[i] = latents[i] * deviation[channel] + mean[channel];
            if (!Float.isFinite(raw[i])) {
                throw new UserException("latent %d is not a finite number".formatted(i));
            }
        }
        return new Pixels(config.side(), config.side(), runner.decode(raw, 1)).toImage();
    }
}
