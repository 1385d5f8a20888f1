package org.mixtureofmamba.data.document;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.function.Consumer;

/** The first 128 bits of a SHA-256 digest, big-endian: enough that two contents share one only if they are equal. */
public record ContentHash(long high, long low) {
    /** The hash of what {@code content} feeds the digest. */
    public static ContentHash of(Consumer<MessageDigest> content) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            content.accept(digest);
            var bytes = ByteBuffer.wrap(digest.digest());
            return new ContentHash(bytes.getLong(), bytes.getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The hash of a string's UTF-8 bytes. */
    public static ContentHash of(String text) {
        return of(digest -> digest.update(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** The hash as a fraction in [0, 1), uniform over contents. */
    public double fraction() {
        return (high >>> 11) * 0x1p-53;
    }
}
