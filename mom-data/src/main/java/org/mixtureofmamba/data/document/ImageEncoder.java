package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.Vocabulary;

/** What images become in a document: codes of the vocabulary, or latents with one id that stands for each. */
@FunctionalInterface
public interface ImageEncoder {
    /** A segment for each image, in their order. */
    List<Segment> encode(List<BufferedImage> images);

    /** Codes, each an id of the vocabulary. */
    static ImageEncoder codes(ImageTokenizer tokenizer, Vocabulary vocabulary) {
        return images -> tokenizer.encode(images).stream()
                .map(codes -> new Segment(
                        Modality.IMAGE,
                        Arrays.stream(codes).map(vocabulary::image).toArray()))
                .toList();
    }

    /** Latents; the vocabulary has one image id, which stands where a latent is. */
    static ImageEncoder latents(LatentEncoder encoder, Vocabulary vocabulary) {
        var tokens = new int[encoder.patches()];
        Arrays.fill(tokens, vocabulary.image(0));
        return images -> images.stream()
                .map(image -> new Segment(Modality.IMAGE, tokens.clone(), encoder.encode(image)))
                .toList();
    }
}
