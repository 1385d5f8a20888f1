package org.mixtureofmamba.imagemodels;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

import org.mixtureofmamba.tokenizers.LatentImageCodec;
import org.mixtureofmamba.tokenizers.TokenizerProvider;

/** Makes {@link KlAutoencoder} known, and the one of {@link PretrainedImages}. */
public final class KlAutoencoderProvider implements TokenizerProvider<LatentImageCodec> {
    @Override
    public Class<LatentImageCodec> type() {
        return LatentImageCodec.class;
    }

    @Override
    public String kind() {
        return KlAutoencoder.KIND;
    }

    @Override
    public LatentImageCodec read(InputStream in, String source) throws IOException {
        return KlAutoencoder.read(in, source);
    }

    @Override
    public List<String> names() {
        return List.of(PretrainedImages.AUTOENCODER);
    }

    @Override
    public InputStream open(String name) {
        return PretrainedImages.open(name);
    }
}
