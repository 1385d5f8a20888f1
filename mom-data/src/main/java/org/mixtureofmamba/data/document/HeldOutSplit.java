package org.mixtureofmamba.data.document;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.source.Sample;

/**
 * Which samples are never trained on: those whose content hash falls into the first {@code fraction} of all hashes.
 * Where a sample belongs to a group the group's name is hashed instead, so that near duplicates stay on one side.
 * Neither the order of a source nor a seed moves a sample across.
 *
 * @param fraction of the samples held out, in [0, 1)
 */
public record HeldOutSplit(double fraction) {
    public HeldOutSplit {
        if (!(fraction >= 0 && fraction < 1)) {
            throw new UserException("held-out fraction %s is not in [0, 1)".formatted(fraction));
        }
    }

    public boolean holdsOut(Sample sample) {
        var group = switch (sample) {
            case Sample.CaptionedImage s -> s.group();
            case Sample.TranscribedSpeech s -> s.group();
            case Sample.Interleaved s -> s.group();
            case Sample.Text _, Sample.Rejected _ -> "";
        };
        return (group.isEmpty() ? sample.contentHash() : ContentHash.of(group)).fraction() < fraction;
    }
}
