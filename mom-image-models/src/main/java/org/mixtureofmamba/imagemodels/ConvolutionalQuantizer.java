package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.image.Pixels;
import org.mixtureofmamba.tokenizers.quantize.Codebook;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/**
 * A vector-quantised autoencoder (van den Oord et al. 2017): a convolutional encoder gives a vector for each position
 * of a grid, the code of a position is the nearest vector of a learned codebook, and a convolutional decoder draws the
 * image from the codes' vectors.
 */
public final class ConvolutionalQuantizer implements ImageTokenizer {
    /** The kind in a manifest. */
    public static final String KIND = "conv-vq";

    private static final String CODEBOOK = "codebook";

    private final AutoencoderConfig config;
    private final Codebook codebook;
    private final AutoencoderRunner runner;

    /** @param parameters of encoder and decoder by name */
    ConvolutionalQuantizer(AutoencoderConfig config, Codebook codebook, Map<String, float[]> parameters) {
        if (codebook.dimension() != config.latent()) {
            throw new UserException("codebook of dimension %d does not fit latents of %d"
                    .formatted(codebook.dimension(), config.latent()));
        }
        this.config = config;
        this.codebook = new Codebook(ParameterFile.halved(codebook.vectors()), codebook.dimension());
        runner = new AutoencoderRunner(config, config.latent(), parameters);
    }

    /** Reads the file that {@link #save} wrote. */
    public static ConvolutionalQuantizer load(Path file) {
        return of(ParameterFile.load(file, KIND));
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static ConvolutionalQuantizer read(InputStream in, String source) throws IOException {
        return of(ParameterFile.read(in, KIND, source));
    }

    private static ConvolutionalQuantizer of(ParameterFile file) {
        var config = AutoencoderConfig.of(file);
        var parameters = new HashMap<>(file.arrays());
        parameters.remove(CODEBOOK);
        float[] vectors = file.array(CODEBOOK, Math.multiplyExact(file.setting("codes"), config.latent()));
        return new ConvolutionalQuantizer(config, new Codebook(vectors, config.latent()), parameters);
    }

    @Override
    public void save(Path file) {
        var settings = config.settings();
        settings.put("codes", codebook.size());
        var arrays = new HashMap<>(runner.parameters());
        arrays.put(CODEBOOK, codebook.vectors());
        new ParameterFile(KIND, settings, arrays).saveHalved(file);
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
    public int codebookSize() {
        return codebook.size();
    }

    @Override
    public int tokensPerImage() {
        return config.positions();
    }

    @Override
    public int width() {
        return config.side();
    }

    @Override
    public int height() {
        return config.side();
    }

    @Override
    public int[] encode(BufferedImage image) {
        return encode(List.of(image)).getFirst();
    }

    @Override
    public List<int[]> encode(List<BufferedImage> images) {
        int length = 3 * config.side() * config.side();
        float[] rgb = new float[Math.multiplyExact(images.size(), length)];
        for (int i = 0; i < images.size(); i++) {
            System.arraycopy(
                    Pixels.fit(images.get(i), config.side(), config.side()).rgb(), 0, rgb, i * length, length);
        }
        float[] latents = runner.encode(rgb, images.size());
        int[] codes = codebook.nearest(latents, images.size() * config.positions());
        return java.util.stream.IntStream.range(0, images.size())
                .mapToObj(i -> Arrays.copyOfRange(codes, i * config.positions(), (i + 1) * config.positions()))
                .toList();
    }

    @Override
    public BufferedImage decode(int[] codes) {
        if (codes.length != tokensPerImage()) {
            throw new UserException("%d codes are no image; one has %d".formatted(codes.length, tokensPerImage()));
        }
        float[] latents = new float[codes.length * config.latent()];
        for (int i = 0; i < codes.length; i++) {
            if (codes[i] < 0 || codes[i] >= codebook.size()) {
                throw new UserException("image code %d is outside [0, %d)".formatted(codes[i], codebook.size()));
            }
            codebook.copy(codes[i], latents, i * config.latent());
        }
        return new Pixels(config.side(), config.side(), runner.decode(latents, 1)).toImage();
    }
}
