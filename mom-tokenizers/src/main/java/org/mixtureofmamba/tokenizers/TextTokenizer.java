package org.mixtureofmamba.tokenizers;

/** Text to ids in [0, vocabularySize) and back; byte-exact for every input. Safe for use by many threads. */
public interface TextTokenizer extends Tokenizer {
    /** Number of ids, one more than the greatest. */
    int vocabularySize();

    /** The ids of a string. Lone surrogates are no Unicode text and become U+FFFD. */
    int[] encode(String text);

    /**
     * The ids of a string in which special tokens, where there are any, are no more than text: for input that must not
     * be able to forge control tokens.
     */
    int[] encodeOrdinary(String text);

    /**
     * The ids of bytes that are usually, but need not be, UTF-8: {@code decode(encode(bytes))} equals {@code bytes}.
     */
    int[] encode(byte[] utf8);

    /**
     * The bytes that ids stand for.
     *
     * @throws org.mixtureofmamba.core.UserException if an id is not in the vocabulary
     */
    byte[] decode(int[] ids);
}
