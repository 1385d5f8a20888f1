package org.mixtureofmamba.tokenizers.text;

import java.util.Random;

/**
 * Strings made to trip a tokenizer: every plane of Unicode, combining marks, controls, spaces of all kinds,
 * contractions.
 */
final class AdversarialText {
    private static final String[] FRAGMENTS = {
        "'s",
        "'S",
        "'t",
        "'re",
        "'RE",
        "'ve",
        "'m",
        "'ll",
        "'lL",
        "'d",
        "'\u017f",
        "'",
        "''s",
        " 's",
        "  ",
        "   ",
        "\n",
        "\r\n",
        "\n\n ",
        " \n",
        "\t",
        "\u000b",
        "\f",
        "\u0085",
        "\u00a0",
        "\u1680",
        "\u2003",
        "\u2028",
        "\u3000",
        "\u200b",
        "\u200d",
        "\ufeff",
        "e\u0301",
        "\u0301",
        "a\u0308\u0323",
        "1",
        "123",
        "1234567",
        "\u00bd",
        "\u0663\u0664",
        "\u2167",
        "\ud835\udfd8",
        "the",
        " the",
        "The",
        " word",
        "naïve",
        "Straße",
        "中文字",
        "日本語の",
        " 한국어",
        "עברית",
        "العربية",
        "हिन्दी",
        "\ud83d\ude00",
        "\ud83d\udc69\u200d\ud83d\udc67",
        "\ud83c\uddeb\ud83c\uddf7",
        "!",
        "!!",
        "...",
        " ?!",
        "_",
        "$",
        "€",
        "<|endoftext|>",
        "<|",
        "\0",
        "\u0001",
        "\u007f",
        "\u009f",
        "\ue000",
        "\uffff",
        "\udbff\udfff",
        "ﬁ",
        "ǅ",
        "ʰ",
        "\u212a",
        "K",
        "http://x.y/z?a=1&b=2",
        "aaaaaaaa",
        "abababab",
        "    indented",
        "{\"k\": [1, 2]}"
    };

    private AdversarialText() {}

    static String next(Random random) {
        var text = new StringBuilder();
        int parts = random.nextInt(12);
        for (int i = 0; i <= parts; i++) {
            switch (random.nextInt(6)) {
                case 0 -> text.appendCodePoint(codePoint(random, 0x110000));
                case 1 -> text.appendCodePoint(codePoint(random, 0x3000));
                case 2 -> text.append((char) random.nextInt(128));
                case 3 -> {
                    int c = codePoint(random, 0x20000);
                    for (int n = random.nextInt(6); n >= 0; n--) {
                        text.appendCodePoint(c);
                    }
                }
                default -> text.append(FRAGMENTS[random.nextInt(FRAGMENTS.length)]);
            }
        }
        return text.toString();
    }

    private static int codePoint(Random random, int bound) {
        int c = random.nextInt(bound);
        return c >= 0xD800 && c < 0xE000 ? 'x' : c;
    }
}
