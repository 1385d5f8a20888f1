package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.source.Sample;

/**
 * Some samples on their way to documents: their images wait for each other and are encoded together, since a network is
 * several times faster so, but never more of them than a bound. What goes together depends on the samples alone.
 */
public final class DocumentBatch {
    private static final int IMAGES = 32;
    private static final long PIXELS = 4 << 20;

    private final DocumentTokenizer tokenizer;
    private final List<Supplier<Document>> drafts = new ArrayList<>();
    private final List<BufferedImage> waiting = new ArrayList<>();
    private final List<Segment> encoded = new ArrayList<>();
    private long pixelsWaiting;

    public DocumentBatch(DocumentTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * Adds the documents of a sample.
     *
     * @throws UserException if the sample cannot be used, saying why; then none of its documents is added
     */
    public void add(Sample sample) {
        drafts.addAll(tokenizer.drafts(sample, this));
    }

    /** The segment of an image; there once the batch is finished. */
    Supplier<Segment> image(BufferedImage image) {
        int number = encoded.size() + waiting.size();
        waiting.add(image);
        pixelsWaiting += (long) image.getWidth() * image.getHeight();
        if (waiting.size() == IMAGES || pixelsWaiting >= PIXELS) {
            encodeWaiting();
        }
        return () -> encoded.get(number);
    }

    private void encodeWaiting() {
        encoded.addAll(tokenizer.image().encode(waiting));
        waiting.clear();
        pixelsWaiting = 0;
    }

    /** The documents of all samples that could be used, in their order. */
    public List<Document> finish() {
        encodeWaiting();
        return drafts.stream().map(Supplier::get).toList();
    }
}
