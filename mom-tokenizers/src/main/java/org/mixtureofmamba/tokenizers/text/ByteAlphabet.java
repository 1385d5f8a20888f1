package org.mixtureofmamba.tokenizers.text;

import java.util.Arrays;
import java.util.Optional;

/**
 * The printable stand-in that GPT-2's files write for each of the 256 bytes: printable Latin-1 for itself, the others
 * in order from U+0100.
 */
final class ByteAlphabet {
    private static final char[] CHAR_OF = new char[256];
    private static final short[] BYTE_OF = new short[256 + 68];

    static {
        Arrays.fill(BYTE_OF, (short) -1);
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            CHAR_OF[b] = (char) (printable ? b : next++);
            BYTE_OF[CHAR_OF[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    static char charOf(int unsignedByte) {
        return CHAR_OF[unsignedByte];
    }

    static String write(byte[] bytes) {
        var text = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            text.append(CHAR_OF[b & 0xFF]);
        }
        return text.toString();
    }

    /** The bytes of a token, or an empty optional if it holds a character that stands for no byte. */
    static Optional<byte[]> read(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = token.charAt(i);
            if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
                return Optional.empty();
            }
            bytes[i] = (byte) BYTE_OF[c];
        }
        return Optional.of(bytes);
    }
}
