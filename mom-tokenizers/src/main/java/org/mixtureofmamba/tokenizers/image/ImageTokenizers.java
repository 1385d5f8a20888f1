package org.mixtureofmamba.tokenizers.image;

import java.nio.file.Path;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/** Image tokenizers of whatever kind a file holds. */
public final class ImageTokenizers {
    private ImageTokenizers() {}

    /**
     * Reads a file that an image tokenizer wrote.
     *
     * @throws UserException if it is damaged or holds something else, naming it
     */
    public static ImageTokenizer load(Path file) {
        String kind = ParameterFile.kindOf(file);
        return switch (kind) {
            case PatchQuantizer.KIND -> PatchQuantizer.load(file);
            case ConvolutionalQuantizer.KIND -> ConvolutionalQuantizer.load(file);
            default ->
                throw new UserException("%s holds '%s', no image tokenizer; those are '%s' and '%s'"
                        .formatted(file, kind, ConvolutionalQuantizer.KIND, PatchQuantizer.KIND));
        };
    }
}
