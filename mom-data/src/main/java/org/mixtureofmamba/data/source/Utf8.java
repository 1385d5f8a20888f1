package org.mixtureofmamba.data.source;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Text of UTF-8 bytes, which must be nothing else. */
final class Utf8 {
    private static final char REPLACEMENT = '\ufffd';

    private Utf8() {}

    static String decode(byte[] bytes) throws CharacterCodingException {
        return decode(bytes, 0, bytes.length);
    }

    /**
     * The text of {@code length} bytes.
     *
     * @throws CharacterCodingException if they are not UTF-8
     */
    static String decode(byte[] bytes, int start, int length) throws CharacterCodingException {
        // The lenient way is several times as fast and puts U+FFFD where the strict one would refuse.
        var text = new String(bytes, start, length, StandardCharsets.UTF_8);
        return text.indexOf(REPLACEMENT) < 0
                ? text
                : StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes, start, length))
                        .toString();
    }
}
