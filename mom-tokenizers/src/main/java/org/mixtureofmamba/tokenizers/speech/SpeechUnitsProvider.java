package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.io.InputStream;

import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerProvider;

/** Makes {@link SpeechUnits} known. */
public final class SpeechUnitsProvider implements TokenizerProvider<SpeechTokenizer> {
    @Override
    public Class<SpeechTokenizer> type() {
        return SpeechTokenizer.class;
    }

    @Override
    public String kind() {
        return SpeechUnits.KIND;
    }

    @Override
    public SpeechTokenizer read(InputStream in, String source) throws IOException {
        return SpeechUnits.read(in, source);
    }
}
