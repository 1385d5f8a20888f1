package org.mixtureofmamba.data.document;

import java.io.Serial;
import java.io.Serializable;
import java.util.List;

import org.mixtureofmamba.core.UserException;

/**
 * More training documents from few samples. Held-out samples are never augmented.
 *
 * <p>Speed changes pitch with tempo, as a tape does.
 *
 * @param mirrorImages whether each image is seen as its mirror image too
 * @param speechSpeeds each clip is heard at all of these speeds; {@code [1]} leaves speech as it is
 */
public record Augmentation(boolean mirrorImages, List<Double> speechSpeeds) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    public static final Augmentation NONE = new Augmentation(false, List.of(1.0));

    public Augmentation {
        speechSpeeds = List.copyOf(speechSpeeds);
        if (speechSpeeds.isEmpty() || speechSpeeds.stream().anyMatch(speed -> !(speed >= 0.5 && speed <= 2))) {
            throw new UserException("speech speeds %s: give at least one, each in [0.5, 2]".formatted(speechSpeeds));
        }
    }
}
