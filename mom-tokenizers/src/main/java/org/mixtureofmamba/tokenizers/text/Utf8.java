package org.mixtureofmamba.tokenizers.text;

import java.nio.charset.StandardCharsets;

/**
 * UTF-8 read in place, a stray byte at a time where it is invalid (overlong forms, surrogates and truncations
 * included).
 */
final class Utf8 {
    /** What a byte outside valid UTF-8 decodes to; its length is 1. */
    static final int INVALID = -1;

    private Utf8() {}

    /** The code point at {@code i < end}, or {@link #INVALID}. */
    static int decode(byte[] text, int i, int end) {
        int b = text[i];
        return b >= 0 ? b : decodeMultibyte(text, i, end);
    }

    /** Bytes of the code point at {@code i < end}; 1 for an invalid byte. */
    static int length(byte[] text, int i, int end) {
        if (text[i] >= 0) {
            return 1;
        }
        int codePoint = decodeMultibyte(text, i, end);
        return codePoint == INVALID ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    }

    private static int decodeMultibyte(byte[] text, int i, int end) {
        int lead = text[i] & 0xFF;
        int length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (lead < 0xC2 || lead > 0xF4 || i + length > end) {
            return INVALID;
        }
        int codePoint = lead & (0x7F >> length);
        for (int k = 1; k < length; k++) {
            int b = text[i + k];
            if ((b & 0xC0) != 0x80) {
                return INVALID;
            }
            codePoint = codePoint << 6 | b & 0x3F;
        }
        boolean overlong = length == 3 && codePoint < 0x800 || length == 4 && codePoint < 0x10000;
        boolean impossible = codePoint > 0x10FFFF || codePoint >= 0xD800 && codePoint < 0xE000;
        return overlong || impossible ? INVALID : codePoint;
    }

    /** UTF-8 of a string; a lone surrogate, which has none, becomes U+FFFD. */
    static byte[] bytes(String text) {
        return replaceLoneSurrogates(text).getBytes(StandardCharsets.UTF_8);
    }

    private static String replaceLoneSurrogates(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            int[] codePoints = text.codePoints()
                    .map(p -> p >= 0xD800 && p < 0xE000 ? 0xFFFD : p)
                    .toArray();
            return new String(codePoints, 0, codePoints.length);
        }
        return text;
    }
}
