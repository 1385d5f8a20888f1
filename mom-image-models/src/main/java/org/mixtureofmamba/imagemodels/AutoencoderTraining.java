package org.mixtureofmamba.imagemodels;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

import org.mixtureofmamba.tokenizers.quantize.ParameterFile;
import org.mixtureofmamba.tokenizers.quantize.PrincipalComponents;

/**
 * Encoder and decoder under training, joined by what lies between them: a {@link Bottleneck} turns the encoder's output
 * into the decoder's input, and the gradient at the decoder's input into that at the encoder's output.
 */
final class AutoencoderTraining {
    private static final int WINDOWS = 16_384;

    private final AutoencoderConfig config;
    private final Network encoder;
    private final Network decoder;
    private final ReconstructionLoss loss;
    private final Patches layout;
    private final int outputs;

    /** What lies between encoder and decoder. */
    interface Bottleneck {
        /** From the encoder's output [n, positions, outputs] to the decoder's input [n, positions, latent]. */
        float[] forward(float[] encoded);

        /**
         * From the gradient at the decoder's input to that at the encoder's output, the bottleneck's own loss included.
         */
        float[] backward(float[] gradient);
    }

    /**
     * Networks that begin as the principal components of the images' patches, scaled such that a mean squared error of
     * latents is one of pixels.
     *
     * @param outputs of the encoder for each position
     * @param beyond where those that come after the latents begin
     */
    AutoencoderTraining(AutoencoderRecipe recipe, int outputs, double beyond, TrainingImages images) {
        config = recipe.config();
        this.outputs = outputs;
        layout = new Patches(config.side(), config.patch());
        var graphs = AutoencoderGraphs.forTraining(recipe);
        encoder = graphs.encoder(outputs);
        decoder = graphs.decoder();
        var random = new SplittableRandom(recipe.seed());
        encoder.initialize(random.split());
        decoder.initialize(random.split());
        begin(images, beyond);
        loss = new ReconstructionLoss(config.side(), recipe.edge(), recipe.relative());
    }

    private void begin(TrainingImages images, double beyond) {
        int window = 1 << config.halvings();
        int size = config.patchChannels() * window * window;
        int latent = Math.min(config.latent(), size);
        var components = PrincipalComponents.of(windows(images), size, latent);
        double scale = Math.sqrt((double) size / config.latent());
        float[] toLatents = new float[outputs * size];
        float[] offset = new float[outputs];
        Arrays.fill(offset, latent, outputs, (float) beyond);
        float[] toPixels = new float[config.latent() * size];
        float[] mean = new float[config.patchChannels()];
        for (int k = 0; k < latent * size; k++) {
            float direction = components.directions()[k];
            toLatents[k] = (float) (direction / scale);
            toPixels[k] = (float) (direction * scale);
            offset[k / size] -= toLatents[k] * components.mean()[k % size];
        }
        for (int k = 0; k < size; k++) {
            mean[k / (window * window)] += components.mean()[k] / (window * window);
        }
        encoder.setLinear(toLatents, offset);
        decoder.setLinear(toPixels, mean);
    }

    /**
     * What lies under each latent of some images, in the order of the linear map's weights [n, patch channels, window,
     * window].
     */
    private float[] windows(TrainingImages images) {
        int window = 1 << config.halvings();
        int n = Math.max(1, WINDOWS / config.positions());
        float[] patches = patches(images.batch(0, n), n);
        float[] windows = new float[patches.length];
        int side = config.patches();
        for (int i = 0; i < patches.length; i++) {
            int x = i % side;
            int y = i / side % side;
            int channel = i / (side * side) % config.patchChannels();
            int position = i / (side * side * config.patchChannels()) * config.positions()
                    + y / window * config.grid()
                    + x / window;
            windows[
                            (position * config.patchChannels() + channel) * window * window
                                    + y % window * window
                                    + x % window] =
                    patches[i];
        }
        return windows;
    }

    /** What the encoder makes of images [n, side, side, 3]: [n, positions, outputs]. */
    float[] encode(float[] images, int n) {
        return Latents.toRows(encoder.run(patches(images, n), n), n, outputs);
    }

    /** Gradients of both networks by images [n, side, side, 3]; returns the loss of the reconstruction. */
    double differentiate(float[] images, int n, Bottleneck bottleneck) {
        try (var _ = Network.openStep()) {
            float[] encoded = Latents.toRows(encoder.forward(patches(images, n), n), n, outputs);
            float[] decoded = decoder.forward(Latents.toPlanes(bottleneck.forward(encoded), n, config.latent()), n);
            float[] reconstructions = new float[images.length];
            for (int i = 0; i < n; i++) {
                layout.toImage(decoded, i, reconstructions, i);
            }
            float[] gradient = new float[images.length];
            double value = loss.of(reconstructions, images, gradient);
            float[] atDecoder = Latents.toRows(decoder.backward(patches(gradient, n), n), n, config.latent());
            encoder.backward(Latents.toPlanes(bottleneck.backward(atDecoder), n, outputs), n);
            return value;
        }
    }

    /** One step of the optimizer along the gradients of {@link #differentiate}. */
    void update(int step) {
        encoder.update(step);
        decoder.update(step);
    }

    private float[] patches(float[] images, int n) {
        float[] patches = new float[images.length];
        for (int i = 0; i < n; i++) {
            layout.toPatches(images, i, patches, i);
        }
        return patches;
    }

    /** Encoder and decoder. */
    List<Network> networks() {
        return List.of(encoder, decoder);
    }

    /** Parameters of both networks by name. */
    Map<String, float[]> parameters() {
        var parameters = new LinkedHashMap<>(encoder.parameters(ParameterNames.ENCODER));
        parameters.putAll(decoder.parameters(ParameterNames.DECODER));
        return parameters;
    }

    /** Parameters and the optimizer's moments, for {@link #restore}. */
    Map<String, float[]> state() {
        var state = parameters();
        state.put("optimizer.encoder", encoder.optimizerState());
        state.put("optimizer.decoder", decoder.optimizerState());
        return state;
    }

    void restore(ParameterFile file) {
        encoder.setParameters(ParameterNames.ENCODER, file.arrays());
        decoder.setParameters(ParameterNames.DECODER, file.arrays());
        encoder.setOptimizerState(file.array("optimizer.encoder", encoder.optimizerState().length));
        decoder.setOptimizerState(file.array("optimizer.decoder", decoder.optimizerState().length));
    }
}
