package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;
import java.util.Arrays;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.Vocabulary;

/** What an image becomes in a document: codes of the vocabulary, or latents with one id that stands for each. */
@FunctionalInterface
public interface ImageEncoder {
    Segment encode(BufferedImage image);

    /** Codes, each an id of the vocabulary. */
    static ImageEncoder codes(ImageTokenizer tokenizer, Vocabulary vocabulary) {
        return image -> {
            var codes = tokenizer.encode(image);
            for (int i = 0; i < codes.length; i++) {
                codes[i] = vocabulary.image(codes[i]);
            }
            return new Segment(Modality.IMAGE, codes);
        };
    }

    /** Latents; the vocabulary has one image id, which stands where a latent is. */
    static ImageEncoder latents(LatentEncoder encoder, Vocabulary vocabulary) {
        return image -> {
            var tokens = new int[encoder.patches()];
            Arrays.fill(tokens, vocabulary.image(0));
            return new Segment(Modality.IMAGE, tokens, encoder.encode(image));
        };
    }
}
