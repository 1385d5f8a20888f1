package org.mixtureofmamba.tokenizers;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

import org.mixtureofmamba.core.UserException;

/**
 * One kind of tokenizer: how its file is read, and which of the kind come trained. A jar makes its kinds known by
 * naming their providers in {@code META-INF/services/org.mixtureofmamba.tokenizers.TokenizerProvider};
 * {@link Tokenizers} finds them there.
 *
 * @param <T> what the kind is of: {@link TextTokenizer}, {@link ImageTokenizer}, {@link SpeechTokenizer} or
 *     {@link LatentImageCodec}
 */
public interface TokenizerProvider<T extends Tokenizer> {
    /** What the kind is of, as {@code ImageTokenizer.class}. */
    Class<T> type();

    /** The {@link Tokenizer#kind()} of what this reads; no two providers have one in common. */
    String kind();

    /**
     * Reads the file that {@link Tokenizer#save} wrote. The stream stays open.
     *
     * @param source names the file in errors
     * @throws UserException if the file is damaged or of another kind, naming it
     */
    T read(InputStream in, String source) throws IOException;

    /** Names of the tokenizers that come trained with this provider, as {@code bpe-8192}. */
    default List<String> names() {
        return List.of();
    }

    /** The file of one of {@link #names()}, as {@link #read} takes it. */
    default InputStream open(String name) throws IOException {
        throw new IOException("%s has no trained tokenizer '%s'".formatted(kind(), name));
    }
}
