package org.mixtureofmamba.core.model;

import java.util.Arrays;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;

/**
 * The named sizes: the paper's, as Mixture-of-Transformers (arXiv 2411.04996) sets them, and two for machines without a
 * GPU.
 */
public enum Scale {
    NANO("nano", 64, 2, 4),
    TINY("tiny", 128, 4, 4),
    M37("37m", 256, 4, 8),
    M94("94m", 512, 8, 8),
    M163("163m", 768, 16, 12),
    M443("443m", 1024, 24, 16),
    M760("760m", 1536, 24, 24),
    M880("880m", 1536, 24, 24),
    B1_4("1.4b", 2048, 24, 16),
    B1_5("1.5b", 2048, 24, 16);

    private final String key;
    private final int dModel;
    private final int layers;
    private final int heads;

    Scale(String key, int dModel, int layers, int heads) {
        this.key = key;
        this.dModel = dModel;
        this.layers = layers;
        this.heads = heads;
    }

    /** As in configurations and on the command line. */
    public String key() {
        return key;
    }

    public int dModel() {
        return dModel;
    }

    /** Transformer layers. */
    public int layers() {
        return layers;
    }

    /** Mamba blocks: two for each layer. */
    public int blocks() {
        return 2 * layers;
    }

    /** Attention heads of the Transformer. */
    public int heads() {
        return heads;
    }

    /** @throws UserException if there is no such scale */
    public static Scale of(String key) {
        return Arrays.stream(values())
                .filter(scale -> scale.key.equals(key))
                .findFirst()
                .orElseThrow(() -> new UserException("no scale '%s'; there are %s"
                        .formatted(key, Arrays.stream(values()).map(Scale::key).collect(Collectors.joining(", ")))));
    }
}
