package org.mixtureofmamba.tokenizers.speech;

import java.awt.image.BufferedImage;
import java.util.List;

/** Pictures of sound: log-mel bands over time, low ones at the bottom, 10 ms a column. */
public final class Spectrogram {
    private static final int ROWS_PER_BAND = 2;
    private static final int GAP = 6;
    private static final float QUIETEST = (float) Math.log(LogMel.FLOOR);
    private static final float LOUDEST = (float) Math.log(10);

    private Spectrogram() {}

    /** Sounds one under another, each mono at 16 kHz; as wide as the longest, at most {@code mostColumns}. */
    public static BufferedImage of(List<float[]> sounds, int mostColumns) {
        int columns = Math.clamp(
                sounds.stream()
                        .mapToInt(pcm -> Math.ceilDiv(pcm.length, LogMel.HOP))
                        .max()
                        .orElse(1),
                1,
                mostColumns);
        int height = LogMel.BANDS * ROWS_PER_BAND;
        var image = new BufferedImage(columns, sounds.size() * (height + GAP) - GAP, BufferedImage.TYPE_BYTE_GRAY);
        for (int s = 0; s < sounds.size(); s++) {
            int frames = Math.min(columns, Math.ceilDiv(sounds.get(s).length, LogMel.HOP));
            float[] mels = LogMel.of(sounds.get(s), frames);
            for (int x = 0; x < frames; x++) {
                for (int y = 0; y < height; y++) {
                    float level = mels[x * LogMel.BANDS + LogMel.BANDS - 1 - y / ROWS_PER_BAND];
                    int grey = Math.clamp(Math.round(255 * (level - QUIETEST) / (LOUDEST - QUIETEST)), 0, 255);
                    image.getRaster().setSample(x, s * (height + GAP) + y, 0, grey);
                }
            }
        }
        return image;
    }
}
