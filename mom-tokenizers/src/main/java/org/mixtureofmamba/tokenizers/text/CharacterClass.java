package org.mixtureofmamba.tokenizers.text;

/**
 * The four classes of characters that the pre-tokenizers know: {@code \p{L}}, {@code \p{N}}, {@code \s} and the rest.
 */
final class CharacterClass {
    static final int OTHER = 0;
    static final int LETTER = 1;
    static final int NUMBER = 2;
    static final int SPACE = 3;

    private static final byte[] ASCII = new byte[128];

    static {
        for (int c = 0; c < ASCII.length; c++) {
            ASCII[c] = (byte) ofType(c);
        }
    }

    private CharacterClass() {}

    /** Class of a code point, or of {@link Utf8#INVALID}. */
    static int of(int codePoint) {
        if (codePoint < 128) {
            return codePoint < 0 ? OTHER : ASCII[codePoint];
        }
        return ofType(codePoint);
    }

    private static int ofType(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            default -> codePoint >= '\t' && codePoint <= '\r' || codePoint == 0x85 ? SPACE : OTHER;
        };
    }
}
