package org.mixtureofmamba.tokenizers;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.IntStream;

import org.mixtureofmamba.tokenizers.image.PatchQuantizer;
import org.mixtureofmamba.tokenizers.image.PatchQuantizerTrainer;
import org.mixtureofmamba.tokenizers.speech.SpeechUnits;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;

/** Tokenizers that this module makes or ships by itself. */
final class SmallSet {
    private SmallSet() {}

    static TokenizerSet tokenizers() {
        return TokenizerSet.of(text(), image(), speech());
    }

    static BpeTokenizer text() {
        return BpeTrainer.of(300).trainOnTexts(List.of("low lower lowest ".repeat(20)));
    }

    /** 16 x 16 pixels as 16 codes of 8 greys. */
    static PatchQuantizer image() {
        return new PatchQuantizerTrainer(16, 16, 4, 8, 5, 1000, 1)
                .train(IntStream.range(0, 8).mapToObj(level -> {
                    var image = new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB);
                    image.setRGB(
                            0,
                            0,
                            16,
                            16,
                            IntStream.generate(() -> level * 0x1F1F1F)
                                    .limit(256)
                                    .toArray(),
                            0,
                            16);
                    return image;
                }));
    }

    static SpeechUnits speech() {
        try (var in = TokenizerSet.class.getResourceAsStream("demo/speech.safetensors")) {
            return SpeechUnits.read(in, "demo/speech.safetensors");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
