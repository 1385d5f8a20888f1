package org.mixtureofmamba.data.loader;

import java.util.concurrent.atomic.AtomicLongArray;

import org.mixtureofmamba.core.modality.Modality;

/** A running count of what a loader has put into batches, those made ahead included; safe to read while it grows. */
public final class LoadedTokens {
    private final AtomicLongArray byModality = new AtomicLongArray(Modality.count() + 1);

    void add(byte[] modality, int from, int to, int padding) {
        var counts = new long[Modality.count()];
        for (int i = from; i < to; i++) {
            counts[modality[i]]++;
        }
        for (int m = 0; m < counts.length; m++) {
            byModality.addAndGet(m, counts[m]);
        }
        byModality.addAndGet(Modality.count(), padding);
    }

    public long of(Modality modality) {
        return byModality.get(modality.index());
    }

    public long padding() {
        return byModality.get(Modality.count());
    }

    /** Padding as a fraction of all; 0 before the first batch. */
    public double paddingShare() {
        long all = padding();
        for (var modality : Modality.values()) {
            all += of(modality);
        }
        return all == 0 ? 0 : padding() / (double) all;
    }
}
