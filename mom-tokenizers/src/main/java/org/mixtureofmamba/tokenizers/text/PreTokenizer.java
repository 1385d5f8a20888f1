package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;

/**
 * Cuts text into the pieces inside which byte pairs may merge. Each style is a published regular expression, scanned
 * here by hand on UTF-8 bytes: about fifty times the speed of a backtracking matcher, and no stack to overflow on long
 * runs. A byte that is not part of valid UTF-8 counts as one character that is neither letter, number nor space.
 */
public enum PreTokenizer {
    /** {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+} (Radford et al. 2019). */
    GPT2 {
        @Override
        int next(byte[] text, int start, int end) {
            int first = Utf8.decode(text, start, end);
            int contraction = contractionLength(text, start, end, false);
            if (contraction > 0) {
                return start + contraction;
            }
            int body = first == ' ' && start + 1 < end ? start + 1 : start;
            int type = CharacterClass.of(Utf8.decode(text, body, end));
            if (type != CharacterClass.SPACE) {
                return runEnd(text, body, end, type, Integer.MAX_VALUE);
            }
            return spaces(text, start, runEnd(text, start, end, CharacterClass.SPACE, Integer.MAX_VALUE), end);
        }
    },

    /**
     *
     *
     * <pre>
     * {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+}
     * </pre>
     *
     * (Llama 3, 2024; the regular expression of OpenAI's cl100k).
     */
    LLAMA3 {
        @Override
        int next(byte[] text, int start, int end) {
            int first = Utf8.decode(text, start, end);
            int contraction = contractionLength(text, start, end, true);
            if (contraction > 0) {
                return start + contraction;
            }
            int type = CharacterClass.of(first);
            int second = start + Utf8.length(text, start, end);
            if (type == CharacterClass.LETTER) {
                return runEnd(text, start, end, CharacterClass.LETTER, Integer.MAX_VALUE);
            }
            if (type == CharacterClass.NUMBER) {
                return runEnd(text, start, end, CharacterClass.NUMBER, 3);
            }
            int secondType = second < end ? CharacterClass.of(Utf8.decode(text, second, end)) : CharacterClass.SPACE;
            if (secondType == CharacterClass.LETTER && first != '\r' && first != '\n') {
                return runEnd(text, second, end, CharacterClass.LETTER, Integer.MAX_VALUE);
            }
            if (type == CharacterClass.OTHER || first == ' ' && secondType == CharacterClass.OTHER) {
                int body = type == CharacterClass.OTHER ? start : second;
                int i = runEnd(text, body, end, CharacterClass.OTHER, Integer.MAX_VALUE);
                while (i < end && isLineBreak(text[i])) {
                    i++;
                }
                return i;
            }
            int run = runEnd(text, start, end, CharacterClass.SPACE, Integer.MAX_VALUE);
            for (int i = run; i > start; i--) {
                if (isLineBreak(text[i - 1])) {
                    return i;
                }
            }
            return spaces(text, start, run, end);
        }
    };

    /** The name in configurations: {@code gpt2}, {@code llama3}. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The style of a name.
     *
     * @throws UserException if there is none, listing those there are
     */
    public static PreTokenizer named(String key) {
        return Arrays.stream(values())
                .filter(p -> p.key().equals(key))
                .findFirst()
                .orElseThrow(() -> new UserException("pre-tokenizer '%s' is not known; use one of %s"
                        .formatted(
                                key,
                                Arrays.stream(values()).map(PreTokenizer::key).collect(Collectors.joining(", ")))));
    }

    /**
     * End of the piece that begins at {@code start < end}; looks at no byte past {@code end}, which is the end of the
     * text.
     */
    abstract int next(byte[] text, int start, int end);

    /** End of the run of at most {@code limit} characters of one class from {@code start}. */
    private static int runEnd(byte[] text, int start, int end, int type, int limit) {
        int i = start;
        for (int n = 0; i < end && n < limit; n++) {
            if (CharacterClass.of(Utf8.decode(text, i, end)) != type) {
                break;
            }
            i += Utf8.length(text, i, end);
        }
        return i;
    }

    /**
     * {@code \s+(?!\S)|\s+}: of a run before something visible the last space is left to the next piece, unless it is
     * the only one.
     */
    private static int spaces(byte[] text, int start, int runEnd, int end) {
        if (runEnd == end) {
            return runEnd;
        }
        int last = runEnd - 1;
        while ((text[last] & 0xC0) == 0x80) {
            last--;
        }
        return last > start ? last : runEnd;
    }

    private static boolean isLineBreak(byte b) {
        return b == '\n' || b == '\r';
    }

    /** Length in bytes of an English contraction at {@code start}, 0 if there is none. */
    private static int contractionLength(byte[] text, int start, int end, boolean ignoreCase) {
        if (text[start] != '\'' || start + 1 >= end) {
            return 0;
        }
        int a = letter(text, start + 1, end, ignoreCase);
        int b = letter(text, start + 2, end, ignoreCase);
        if (a == 's' || a == 't' || a == 'm' || a == 'd') {
            return 2;
        }
        // U+017F, the long s, is an s to a matcher that ignores case
        if (ignoreCase && Utf8.decode(text, start + 1, end) == 0x17F) {
            return 3;
        }
        return a == 'r' && b == 'e' || a == 'v' && b == 'e' || a == 'l' && b == 'l' ? 3 : 0;
    }

    private static int letter(byte[] text, int i, int end, boolean ignoreCase) {
        if (i >= end) {
            return -1;
        }
        return ignoreCase && text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i];
    }
}
