package org.mixtureofmamba.tokenizers;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;

/** What somebody else's jar brings: text a byte a token, each shifted by a number that its file holds as digits. */
public final class ForeignProvider implements TokenizerProvider<TextTokenizer> {
    @Override
    public Class<TextTokenizer> type() {
        return TextTokenizer.class;
    }

    @Override
    public String kind() {
        return "shifted-bytes";
    }

    @Override
    public TextTokenizer read(InputStream in, String source) throws IOException {
        String digits = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        if (!digits.matches("\\d{1,3}")) {
            throw new UserException("%s holds no shift".formatted(source));
        }
        return new ShiftedBytes(Integer.parseInt(digits));
    }

    @Override
    public List<String> names() {
        return List.of("caesar");
    }

    @Override
    public InputStream open(String name) {
        return new ByteArrayInputStream("3".getBytes(StandardCharsets.US_ASCII));
    }

    record ShiftedBytes(int shift) implements TextTokenizer {
        @Override
        public String kind() {
            return "shifted-bytes";
        }

        @Override
        public void save(Path file) {
            AtomicFiles.writeString(file, Integer.toString(shift));
        }

        @Override
        public int vocabularySize() {
            return 256;
        }

        @Override
        public int[] encode(String text) {
            return encode(text.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public int[] encodeOrdinary(String text) {
            return encode(text);
        }

        @Override
        public int[] encode(byte[] utf8) {
            int[] ids = new int[utf8.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = utf8[i] + shift & 0xFF;
            }
            return ids;
        }

        @Override
        public byte[] decode(int[] ids) {
            byte[] bytes = new byte[ids.length];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (ids[i] - shift);
            }
            return bytes;
        }
    }
}
