package org.mixtureofmamba.core.bench;

import java.util.SplittableRandom;

import org.mixtureofmamba.core.modality.TokenBatch;

/**
 * Batches shaped like real ones: documents of a text of 20 to 200 tokens, an image (64 tokens; 1024 in sequences of
 * 4096 or more) and a clip of 60 to 140 speech units, as far as there are modalities, packed into each sequence. Ids
 * carry no meaning; frequent ones are frequent, as in text.
 */
final class SyntheticBatches {
    private final int batch;
    private final int length;
    private final int vocabulary;
    private final int modalities;
    private final SplittableRandom random;

    SyntheticBatches(int batch, int length, int vocabulary, int modalities, long seed) {
        this.batch = batch;
        this.length = length;
        this.vocabulary = vocabulary;
        this.modalities = modalities;
        this.random = new SplittableRandom(seed);
    }

    TokenBatch next() {
        int tokens = batch * length;
        var inputs = new int[tokens];
        var targets = new int[tokens];
        var modality = new byte[tokens];
        var targetModality = new byte[tokens];
        var documentStart = new boolean[tokens];
        for (int b = 0; b < batch; b++) {
            int start = b * length;
            int end = start + length;
            for (int t = start, m = 0; t < end; m = (m + 1) % modalities) {
                documentStart[t] = m == 0;
                for (int spanEnd = Math.min(end, t + span(m)); t < spanEnd; t++) {
                    modality[t] = (byte) m;
                    inputs[t] = id(m);
                }
            }
            for (int t = start; t < end; t++) {
                boolean last = t + 1 == end;
                targets[t] = last ? 0 : inputs[t + 1];
                targetModality[t] = last || documentStart[t + 1] ? -1 : modality[t + 1];
            }
        }
        return TokenBatch.of(batch, length, modalities, inputs, targets, modality, targetModality, documentStart);
    }

    private int span(int modality) {
        return switch (modality) {
            case 0 -> random.nextInt(20, 201);
            case 1 -> length >= 4096 ? 1024 : 64;
            default -> random.nextInt(60, 141);
        };
    }

    /** An id of the modality's share of the vocabulary, small ones the more frequent. */
    private int id(int modality) {
        int from = (int) ((long) vocabulary * modality / modalities);
        int to = (int) ((long) vocabulary * (modality + 1) / modalities);
        return Math.min(vocabulary - 1, from + (int) ((to - from) * Math.pow(random.nextDouble(), 3)));
    }
}
