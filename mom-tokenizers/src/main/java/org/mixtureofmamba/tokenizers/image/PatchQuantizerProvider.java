package org.mixtureofmamba.tokenizers.image;

import java.io.IOException;
import java.io.InputStream;

import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerProvider;

/** Makes {@link PatchQuantizer} known. */
public final class PatchQuantizerProvider implements TokenizerProvider<ImageTokenizer> {
    @Override
    public Class<ImageTokenizer> type() {
        return ImageTokenizer.class;
    }

    @Override
    public String kind() {
        return PatchQuantizer.KIND;
    }

    @Override
    public ImageTokenizer read(InputStream in, String source) throws IOException {
        return PatchQuantizer.read(in, source);
    }
}
