package org.mixtureofmamba.data.source;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Newlines are looked for eight bytes at a time; what is found is what one finds byte by byte. */
class ByteReaderTest {
    /** A newline and what differs from it in a bit or by one. */
    private static final byte[] ALPHABET = {
        '\n', (byte) ('\n' | 0x80), '\n' - 1, '\n' + 1, '\n' ^ 8, '\r', 'a', 'b', 0, -1, 127, -128
    };

    @Test
    void linesAreThoseFoundByteByByte() throws IOException {
        var random = new Random(7);
        for (int round = 0; round < 200; round++) {
            var bytes = new byte[random.nextInt(round % 50 == 0 ? 200_000 : 100)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = ALPHABET[random.nextInt(ALPHABET.length)];
            }
            var expected = Arrays.stream(new String(bytes, StandardCharsets.ISO_8859_1).split("\n", -1))
                    .map(String::length)
                    .toList();
            assertThat(lengths(bytes)).isEqualTo(expected);
        }
    }

    private static List<Integer> lengths(byte[] bytes) throws IOException {
        var lengths = new ArrayList<Integer>();
        try (var reader = new ByteReader(new ByteArrayInputStream(bytes))) {
            for (boolean last = false; !last; ) {
                var line = new BoundedBytes(bytes.length + 1);
                last = reader.line(line) == ByteReader.Line.LAST;
                lengths.add((int) line.length());
            }
        }
        return lengths;
    }

    @Test
    void spacesAtTheEndsAreLeftOut() throws IOException {
        for (var text : List.of(
                "", " ", "\u2003a\u2003", " \t\r\n\u001ca b\u001f \n", "\u00a0 \u00e9 \u00a0", "\u2003 \u2003")) {
            var bytes = new BoundedBytes(100);
            var utf8 = text.getBytes(StandardCharsets.UTF_8);
            bytes.addAll(utf8, 0, utf8.length);
            assertThat(bytes.stripped()).isEqualTo(text.strip());
        }
    }
}
