package org.mixtureofmamba.tokenizers.text;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

import org.mixtureofmamba.core.FailureException;

/** The tokenizers of text that ship with this module; MODEL-CARD.md beside them says what they were trained on. */
public enum PretrainedBpe {
    /** 8,192 ids, for small models. */
    BPE_8192("bpe-8192"),

    /** 32,000 ids. */
    BPE_32000("bpe-32000");

    private final String key;

    PretrainedBpe(String key) {
        this.key = key;
    }

    /** The name in commands, {@code bpe-8192}. */
    public String key() {
        return key;
    }

    /** The one of a name, if there is one. */
    public static Optional<PretrainedBpe> named(String key) {
        return Arrays.stream(values()).filter(p -> p.key.equals(key)).findFirst();
    }

    /** Reads it from this module. */
    public BpeTokenizer load() {
        try (var in = open()) {
            return BpeTokenizer.read(in, key);
        } catch (IOException e) {
            throw new FailureException("%s is damaged: %s".formatted(key, e), e);
        }
    }

    /** Its {@code tokenizer.json}. */
    InputStream open() throws IOException {
        String resource = key + ".json.gz";
        var packed = PretrainedBpe.class.getResourceAsStream(resource);
        if (packed == null) {
            throw new FailureException("%s is not in this build".formatted(resource));
        }
        return new GZIPInputStream(packed);
    }
}
