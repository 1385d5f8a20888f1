package org.mixtureofmamba.tokenizers.text;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerProvider;

/** Makes {@link BpeTokenizer} and those of {@link PretrainedBpe} known. */
public final class BpeProvider implements TokenizerProvider<TextTokenizer> {
    @Override
    public Class<TextTokenizer> type() {
        return TextTokenizer.class;
    }

    @Override
    public String kind() {
        return BpeTokenizer.KIND;
    }

    @Override
    public TextTokenizer read(InputStream in, String source) throws IOException {
        return BpeTokenizer.read(in, source);
    }

    @Override
    public List<String> names() {
        return Arrays.stream(PretrainedBpe.values()).map(PretrainedBpe::key).toList();
    }

    @Override
    public InputStream open(String name) throws IOException {
        return PretrainedBpe.named(name)
                .orElseThrow(() -> new IOException("no tokenizer '%s'".formatted(name)))
                .open();
    }
}
