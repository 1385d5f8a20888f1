package org.mixtureofmamba.core.modality;

/** What a token stands for. Its index selects a weight set in a Mixture-of-Mamba; control tokens count as text. */
public enum Modality {
    TEXT,
    IMAGE,
    SPEECH;

    /** The lower-case name used in configurations, column heads and file names. */
    public String key() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    /** The index of the modality's weight set, 0 for text. */
    public int index() {
        return ordinal();
    }

    /** How many modalities there are, M of the three-modality setting. */
    public static int count() {
        return values().length;
    }
}
