package org.mixtureofmamba.imagemodels;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerProvider;

/** Makes {@link ConvolutionalQuantizer} known, and the one of {@link PretrainedImages}. */
public final class ConvolutionalQuantizerProvider implements TokenizerProvider<ImageTokenizer> {
    @Override
    public Class<ImageTokenizer> type() {
        return ImageTokenizer.class;
    }

    @Override
    public String kind() {
        return ConvolutionalQuantizer.KIND;
    }

    @Override
    public ImageTokenizer read(InputStream in, String source) throws IOException {
        return ConvolutionalQuantizer.read(in, source);
    }

    @Override
    public List<String> names() {
        return List.of(PretrainedImages.QUANTIZER);
    }

    @Override
    public InputStream open(String name) {
        return PretrainedImages.open(name);
    }
}
