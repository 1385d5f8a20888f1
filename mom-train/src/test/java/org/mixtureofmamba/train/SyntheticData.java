package org.mixtureofmamba.train;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.modality.TokenBatch;

/** Sequences with spans of three modalities in which the next token follows from the one before it, mostly. */
final class SyntheticData {
    static final int IDS_PER_MODALITY = 8;
    static final int VOCABULARY = IDS_PER_MODALITY * Modality.count();

    static final String TOKENIZERS = """
            {"version": 1, "text": {"kind": "t", "sha256": "1"}, "image": {"kind": "i", "sha256": "2"}, "speech": {"kind": "s", "sha256": "3"}}
            """;

    private SyntheticData() {}

    static TrainingData of(int batch, int length, long seed) {
        return new TrainingData(
                index -> batch(batch, length, seed * 1_000_003 + index),
                some(1, index -> batch(batch, length, -1 - index)),
                VOCABULARY,
                Modality.count(),
                "synthetic",
                Optional.of(TOKENIZERS),
                () -> {});
    }

    /** The first batches of a source. */
    static BatchSource some(long count, BatchSource source) {
        return new BatchSource() {
            @Override
            public TokenBatch batch(long index) {
                return source.batch(index);
            }

            @Override
            public long count() {
                return count;
            }
        };
    }

    static TokenBatch batch(int batch, int length, long seed) {
        var random = new SplittableRandom(seed);
        int tokens = batch * length;
        var ids = new int[tokens + 1];
        int modality = 0;
        int local = 0;
        for (int t = 0; t <= tokens; t++) {
            if (random.nextInt(6) == 0) {
                modality = random.nextInt(Modality.count());
            }
            local = random.nextInt(10) == 0
                    ? random.nextInt(IDS_PER_MODALITY)
                    : (local * (2 + modality) + 1) % IDS_PER_MODALITY;
            ids[t] = modality * IDS_PER_MODALITY + local;
        }
        var modalities = new byte[tokens + 1];
        for (int t = 0; t <= tokens; t++) {
            modalities[t] = (byte) (ids[t] / IDS_PER_MODALITY);
        }
        var starts = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            starts[t] = t % length == 0 || random.nextInt(20) == 0;
        }
        return TokenBatch.of(
                batch,
                length,
                Modality.count(),
                Arrays.copyOf(ids, tokens),
                Arrays.copyOfRange(ids, 1, tokens + 1),
                Arrays.copyOf(modalities, tokens),
                Arrays.copyOfRange(modalities, 1, tokens + 1),
                starts);
    }
}
