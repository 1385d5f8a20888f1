package org.mixtureofmamba.imagemodels;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/**
 * Runs a trained encoder and decoder for many threads: each call borrows a graph, and one is built from the parameters
 * where none is idle. Deeplearning4j is loaded by the first call and not before.
 */
final class AutoencoderRunner {
    private static final int BATCH = 32;

    private final AutoencoderConfig config;
    private final int outputs;
    private final Map<String, float[]> parameters;
    private final ConcurrentLinkedQueue<Network> encoders = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Network> decoders = new ConcurrentLinkedQueue<>();

    /**
     * @param outputs channels that the encoder gives for each position
     * @param parameters of both, as {@link AutoencoderTraining#parameters} names them
     */
    AutoencoderRunner(AutoencoderConfig config, int outputs, Map<String, float[]> parameters) {
        this.config = config;
        this.outputs = outputs;
        var halved = new HashMap<String, float[]>();
        parameters.forEach((name, values) -> halved.put(name, ParameterFile.halved(values)));
        this.parameters = Map.copyOf(halved);
        ParameterNames.lengths(config, outputs).forEach((name, length) -> {
            float[] values = halved.get(name);
            if (values == null || values.length != length) {
                throw new UserException(
                        "the autoencoder lacks the parameter '%s' of %d numbers".formatted(name, length));
            }
        });
    }

    Map<String, float[]> parameters() {
        return parameters;
    }

    /** Images [n, side, side, 3] to [n, positions, outputs]. */
    float[] encode(float[] images, int n) {
        return loading(() -> encoded(images, n));
    }

    private float[] encoded(float[] images, int n) {
        float[] latents = new float[n * config.positions() * outputs];
        int image = 3 * config.side() * config.side();
        var layout = new Patches(config.side(), config.patch());
        borrowing(
                encoders,
                () -> {
                    var network = AutoencoderGraphs.forInference(config).encoder(outputs);
                    network.setParameters(ParameterNames.ENCODER, parameters);
                    return network;
                },
                network -> {
                    for (int from = 0; from < n; from += BATCH) {
                        int size = Math.min(BATCH, n - from);
                        float[] patches = new float[size * image];
                        for (int i = 0; i < size; i++) {
                            layout.toPatches(images, from + i, patches, i);
                        }
                        float[] rows = Latents.toRows(network.run(patches, size), size, outputs);
                        System.arraycopy(rows, 0, latents, from * config.positions() * outputs, rows.length);
                    }
                });
        return latents;
    }

    /** Latents [n, positions, latent] to images [n, side, side, 3]. */
    float[] decode(float[] latents, int n) {
        return loading(() -> decoded(latents, n));
    }

    private float[] decoded(float[] latents, int n) {
        int image = 3 * config.side() * config.side();
        int length = config.positions() * config.latent();
        float[] images = new float[n * image];
        var layout = new Patches(config.side(), config.patch());
        borrowing(
                decoders,
                () -> {
                    var network = AutoencoderGraphs.forInference(config).decoder();
                    network.setParameters(ParameterNames.DECODER, parameters);
                    return network;
                },
                network -> {
                    for (int from = 0; from < n; from += BATCH) {
                        int size = Math.min(BATCH, n - from);
                        float[] rows = java.util.Arrays.copyOfRange(latents, from * length, (from + size) * length);
                        float[] patches = network.run(Latents.toPlanes(rows, size, config.latent()), size);
                        for (int i = 0; i < size; i++) {
                            layout.toImage(patches, i, images, from + i);
                        }
                    }
                });
        return images;
    }

    private interface Use {
        void of(Network network);
    }

    private static void borrowing(ConcurrentLinkedQueue<Network> idle, Supplier<Network> make, Use use) {
        Network network = idle.poll();
        if (network == null) {
            network = make.get();
        }
        Network.useOneThread();
        use.of(network);
        idle.add(network);
    }

    /** Calls what needs Deeplearning4j; a bundle for GPU machines travels without it. */
    private static float[] loading(Supplier<float[]> work) {
        try {
            return work.get();
        } catch (NoClassDefFoundError | UnsatisfiedLinkError e) {
            throw new FailureException(
                    "images need Deeplearning4j and ND4J, which this build or machine lacks (%s); prepare them with the full build on Linux x86-64 and train from the shards"
                            .formatted(e.getMessage()),
                    e);
        }
    }
}
