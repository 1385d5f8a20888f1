package org.mixtureofmamba.imagemodels;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Names of an autoencoder's parameters, and how many numbers each has: what a file is checked by before Deeplearning4j
 * is loaded.
 */
final class ParameterNames {
    /** Begins the names of the encoder's parameters. */
    static final String ENCODER = "encoder.";

    /** Begins the names of the decoder's parameters. */
    static final String DECODER = "decoder.";

    /** The convolution that a network begins with. */
    static final String FIRST = "first";

    /** Begins the names of convolutions that halve both sides. */
    static final String DOWN = "down";

    /** Begins the names of convolutions that double both sides. */
    static final String UP = "up";

    /** Begins the names of convolutions whose output is added to something. */
    static final String ADDED = "added";

    /** Ends the name of a residual block's first convolution. */
    static final String BEGIN = "-begin";

    /** The linear map. */
    static final String LINEAR = "linear";

    private ParameterNames() {}

    /**
     * Numbers of each parameter of encoder and decoder by name, as the graphs will have them, without building them.
     */
    static Map<String, Integer> lengths(AutoencoderConfig config, int outputs) {
        var lengths = new HashMap<String, Integer>();
        int window = 1 << config.halvings();
        int top = config.width() << config.halvings();
        put(lengths, ENCODER + FIRST, 3, config.patchChannels(), config.width());
        put(lengths, ENCODER + ADDED, 1, top, outputs);
        put(lengths, ENCODER + LINEAR, window, config.patchChannels(), outputs);
        put(lengths, DECODER + FIRST, 3, config.latent(), top);
        put(lengths, DECODER + ADDED, 3, config.width(), config.patchChannels());
        put(lengths, DECODER + LINEAR, window, config.latent(), config.patchChannels());
        for (int level = 0; level <= config.halvings(); level++) {
            int channels = config.width() << level;
            if (level > 0) {
                put(lengths, ENCODER + DOWN + level, 4, channels / 2, channels);
                put(lengths, DECODER + UP + level, 4, channels, channels / 2);
            }
            for (int block = 0; block < config.blocks(); block++) {
                for (var network : List.of(ENCODER, DECODER)) {
                    put(lengths, network + block(level, block) + BEGIN, 3, channels, channels);
                    put(lengths, network + ADDED + block(level, block), 1, channels, channels);
                }
            }
        }
        return lengths;
    }

    private static void put(Map<String, Integer> lengths, String name, int kernel, int inputs, int outputs) {
        lengths.put(name + "_W", Math.multiplyExact(kernel * kernel, Math.multiplyExact(inputs, outputs)));
        lengths.put(name + "_b", outputs);
    }

    /** Name of a residual block. */
    static String block(int level, int block) {
        return "block%d.%d".formatted(level, block);
    }
}
