package org.mixtureofmamba.data.document;

import org.mixtureofmamba.core.modality.Modality;

/**
 * A stretch of one modality. Images and speech carry no brackets here: {@link Interleaver} writes BOI, EOI, BOS and
 * EOS.
 *
 * @param tokens ids of the unified vocabulary, all of {@code modality}
 * @param latents of an image that is not discrete, [tokens, C]; else empty
 */
public record Segment(Modality modality, int[] tokens, float[] latents) {
    public Segment(Modality modality, int[] tokens) {
        this(modality, tokens, new float[0]);
    }
}
