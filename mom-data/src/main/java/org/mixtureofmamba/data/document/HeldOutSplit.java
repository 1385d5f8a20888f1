package org.mixtureofmamba.data.document;

import java.io.Serial;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.source.Sample;

/**
 * Which samples are never trained on: those whose content hash falls into the first {@code fraction} of all hashes.
 * Where a sample belongs to a group the group's name is hashed instead, so that near duplicates stay on one side.
 * Neither the order of a source nor a seed moves a sample across.
 *
 * <p>The fraction may differ by what a sample is there for ({@link Sample#purpose}), so that a scarce modality has
 * enough held-out tokens to be measured by and a plentiful one does not give up more than it must.
 *
 * @param text fraction of the texts held out, in [0, 1)
 * @param image of the samples with images
 * @param speech of the samples with speech
 */
public record HeldOutSplit(double text, double image, double speech) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    public HeldOutSplit {
        for (double fraction : new double[] {text, image, speech}) {
            if (!(fraction >= 0 && fraction < 1)) {
                throw new UserException("held-out fraction %s is not in [0, 1)".formatted(fraction));
            }
        }
    }

    /** One fraction of all samples. */
    public HeldOutSplit(double fraction) {
        this(fraction, fraction, fraction);
    }

    /** The fraction of the samples of a purpose. */
    public double fraction(Modality purpose) {
        return switch (purpose) {
            case TEXT -> text;
            case IMAGE -> image;
            case SPEECH -> speech;
        };
    }

    /** The fractions by {@link Modality#key()}, in the order of the modalities. */
    public Map<String, Double> byModality() {
        var fractions = new LinkedHashMap<String, Double>();
        for (var modality : Modality.values()) {
            fractions.put(modality.key(), fraction(modality));
        }
        return fractions;
    }

    public boolean holdsOut(Sample sample) {
        var group = switch (sample) {
            case Sample.CaptionedImage s -> s.group();
            case Sample.TranscribedSpeech s -> s.group();
            case Sample.Interleaved s -> s.group();
            case Sample.Text _, Sample.Rejected _ -> "";
        };
        return (group.isEmpty() ? sample.contentHash() : ContentHash.of(group)).fraction() < fraction(sample.purpose());
    }
}
