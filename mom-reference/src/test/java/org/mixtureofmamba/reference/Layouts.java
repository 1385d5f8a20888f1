package org.mixtureofmamba.reference;

import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.mixtureofmamba.core.modality.ModalityLayout;

/** Layouts of odd sizes for tests, each with a name that says what is odd about it. */
public enum Layouts {
    ONE_TOKEN(1, 1, 1, 0),
    ONE_TOKEN_OF_TWO(2, 1, 2, 0),
    SHORTER_THAN_KERNEL(2, 3, 2, 0),
    PRIME(1, 7, 3, 0),
    PRIME_WITH_DOCUMENTS(2, 5, 3, 0.3),
    EVERY_TOKEN_A_DOCUMENT(1, 5, 2, 1),
    ONE_SEQUENCE_GOES_ON(2, 5, 2, 0) {
        @Override
        boolean startsAt(int b, int l) {
            return b == 1 && l == 0;
        }
    },
    FIRST_MODALITY_ABSENT(1, 7, 3, 0.2) {
        @Override
        int modality(SplittableRandom random) {
            return 1 + random.nextInt(2);
        }
    },
    MIDDLE_MODALITY_ABSENT(1, 6, 3, 0) {
        @Override
        int modality(SplittableRandom random) {
            return 2 * random.nextInt(2);
        }
    },
    LAST_MODALITY_ALONE(1, 5, 3, 0) {
        @Override
        int modality(SplittableRandom random) {
            return 2;
        }
    };

    private final int batch;
    private final int length;
    private final int modalities;
    private final double documentRate;

    Layouts(int batch, int length, int modalities, double documentRate) {
        this.batch = batch;
        this.length = length;
        this.modalities = modalities;
        this.documentRate = documentRate;
    }

    int modality(SplittableRandom random) {
        return random.nextInt(modalities);
    }

    /** Whether a document starts at token (b, l) whatever the rate. */
    boolean startsAt(int b, int l) {
        return false;
    }

    /** The layout, the same at each call. */
    public ModalityLayout layout() {
        return random(batch, length, modalities, documentRate, this);
    }

    /** Scattered modalities, documents that start anywhere. */
    public static ModalityLayout random(int batch, int length, int modalities, double documentRate) {
        return random(batch, length, modalities, documentRate, PRIME);
    }

    private static ModalityLayout random(int batch, int length, int modalities, double documentRate, Layouts kind) {
        var random = new SplittableRandom(31L * batch + length);
        var modality = new byte[batch * length];
        var documentStart = new boolean[batch * length];
        for (int t = 0; t < modality.length; t++) {
            modality[t] = (byte) (kind == PRIME ? random.nextInt(modalities) : kind.modality(random));
            documentStart[t] = random.nextDouble() < documentRate || kind.startsAt(t / length, t % length);
        }
        return ModalityLayout.of(batch, length, modalities, modality, documentStart);
    }

    public static Stream<ModalityLayout> all() {
        return Stream.of(values()).map(Layouts::layout);
    }
}
