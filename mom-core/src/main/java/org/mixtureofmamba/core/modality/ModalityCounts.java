package org.mixtureofmamba.core.modality;

import java.util.Arrays;
import java.util.List;

/** How many tokens each modality has. */
public record ModalityCounts(List<Long> counts) {
    public ModalityCounts {
        counts = List.copyOf(counts);
    }

    public ModalityCounts(long... counts) {
        this(Arrays.stream(counts).boxed().toList());
    }

    public long of(int modality) {
        return counts.get(modality);
    }

    public long total() {
        return counts.stream().mapToLong(Long::longValue).sum();
    }
}
