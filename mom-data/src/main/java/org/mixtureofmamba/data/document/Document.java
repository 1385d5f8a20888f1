package org.mixtureofmamba.data.document;

import java.util.List;

/**
 * A sample as the model will see it, before the control tokens.
 *
 * @param id of the sample, with a suffix where the sample was augmented
 * @param heldOut whether it is kept for evaluation
 * @param segments in reading order
 */
public record Document(String id, boolean heldOut, List<Segment> segments) {
    public Document {
        segments = List.copyOf(segments);
    }

    /** The latents of all segments, one after another; empty where images are discrete. */
    public float[] latents() {
        int length =
                segments.stream().mapToInt(segment -> segment.latents().length).sum();
        var latents = new float[length];
        int at = 0;
        for (var segment : segments) {
            System.arraycopy(segment.latents(), 0, latents, at, segment.latents().length);
            at += segment.latents().length;
        }
        return latents;
    }
}
