package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * A JSON object that begins with its format and with the SHA-256 of the whole text, the digest's own digits taken as
 * zeros: no bit of it can change unseen.
 */
final class SealedJson {
    private static final String NO_DIGEST = "0".repeat(64);
    private static final String HEAD = "{%n  \"format\" : %d,%n  \"digest\" : \"%s\",";
    private static final Pattern SEALED =
            Pattern.compile("\\A\\{\\s+\"format\" : (\\d{1,9}),\\s+\"digest\" : \"([0-9a-f]{64})\",");
    /** Longer than any head. */
    private static final int HEAD_BYTES = 256;

    private SealedJson() {}

    /** @param json an object of one key at least */
    static byte[] seal(int format, String json) {
        var rest = json.strip().substring(1) + "\n";
        var digest = Sha256.digest();
        digest.update((HEAD.formatted(format, NO_DIGEST) + rest).getBytes(StandardCharsets.UTF_8));
        return (HEAD.formatted(format, Sha256.hex(digest)) + rest).getBytes(StandardCharsets.UTF_8);
    }

    /** The object that was sealed; throws {@link BrokenSeal} if it is not the one of {@code format}. */
    static String open(int format, Path file, long most) throws IOException, BrokenSeal {
        if (Files.size(file) > most) {
            throw new BrokenSeal("it is larger than %,d bytes".formatted(most));
        }
        var bytes = Files.readAllBytes(file);
        var start = new String(bytes, 0, Math.min(bytes.length, HEAD_BYTES), StandardCharsets.ISO_8859_1);
        var head = SEALED.matcher(start);
        if (!head.find()) {
            throw new BrokenSeal("it does not begin with its format and digest, as every one since format 2 does");
        }
        var unsealed = bytes.clone();
        Arrays.fill(unsealed, head.start(2), head.end(2), (byte) '0');
        var digest = Sha256.digest();
        digest.update(unsealed);
        if (!Sha256.hex(digest).equals(head.group(2))) {
            throw new BrokenSeal("its digest is not that of its content");
        }
        if (Integer.parseInt(head.group(1)) != format) {
            throw new BrokenSeal(
                    "it is of format %s, and this version reads format %d".formatted(head.group(1), format));
        }
        return "{" + new String(bytes, head.end(), bytes.length - head.end(), StandardCharsets.UTF_8);
    }

    /** Why a text cannot be trusted. */
    static final class BrokenSeal extends Exception {
        private static final long serialVersionUID = 1L;

        BrokenSeal(String message) {
            super(message);
        }
    }
}
