package org.mixtureofmamba.data.shard;

import java.util.Arrays;
import java.util.Optional;

/** The sections of a token shard; the number is part of the format. */
enum Section {
    /** u64 [n + 1]: the first token of each document, then the number of tokens. */
    DOCUMENTS(1),
    /** u16 or u32 [tokens]: ids of the unified vocabulary. */
    TOKENS(2),
    /** u32 [runs]: length * 8 + modality of each run of one modality inside one document. */
    RUNS(3),
    /** u8 [n]: 1 where the document is held out. */
    SPLITS(4),
    /** u32 [n + 1]: where each document's id starts in {@link #IDS}, then the bytes of all. */
    ID_STARTS(5),
    /** UTF-8 bytes of the documents' ids, one after another. */
    IDS(6),
    /**
     * f32 [image tokens, C]: the latents of all images, where images are not discrete; else the section is not there.
     */
    LATENTS(7);

    private final int number;

    Section(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static Optional<Section> of(int number) {
        return Arrays.stream(values())
                .filter(section -> section.number == number)
                .findFirst();
    }
}
