package org.mixtureofmamba.data;

import java.util.Arrays;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;

/** What a document may hold, after the settings of the Mixture-of-Mamba paper (arXiv 2501.16295, section 4). */
public enum Setting {
    /** Text and images as discrete tokens (arXiv 2405.09818). */
    CHAMELEON("chameleon", Modality.TEXT, Modality.IMAGE),
    /** Text, images and speech as discrete tokens (arXiv 2411.04996, section 3.3). */
    THREE_MODALITY("three-modality", Modality.TEXT, Modality.IMAGE, Modality.SPEECH);

    private final String key;
    private final Modality[] modalities;

    Setting(String key, Modality... modalities) {
        this.key = key;
        this.modalities = modalities;
    }

    /** The name in configurations, on command lines and in a corpus' manifest. */
    public String key() {
        return key;
    }

    /** M: modalities are counted from text up, so every index below this is in use. */
    public int modalities() {
        return modalities.length;
    }

    public boolean has(Modality modality) {
        return modality.index() < modalities.length;
    }

    /**
     * The setting of a name.
     *
     * @throws UserException if there is none of that name
     */
    public static Setting of(String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.key.equals(key))
                .findFirst()
                .orElseThrow(() -> new UserException("no setting is called '%s'; the settings are %s"
                        .formatted(
                                key, Arrays.stream(values()).map(Setting::key).collect(Collectors.joining(", ")))));
    }
}
