package org.mixtureofmamba.data.document;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.function.Consumer;

/** The first 128 bits of a SHA-256 digest, big-endian: enough that two contents share one only if they are equal. */
public record ContentHash(long high, long low) {
    /** Never fed: a copy of it costs less than to look for the algorithm each time. */
    private static final MessageDigest EMPTY = empty();

    private static MessageDigest empty() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The hash of what {@code content} feeds the digest. */
    public static ContentHash of(Consumer<MessageDigest> content) {
        var bytes = ByteBuffer.wrap(sha256(content));
        return new ContentHash(bytes.getLong(), bytes.getLong());
    }

    /** All 32 bytes of the digest of what {@code content} feeds it. */
    static byte[] sha256(Consumer<MessageDigest> content) {
        try {
            var digest = (MessageDigest) EMPTY.clone();
            content.accept(digest);
            return digest.digest();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("every Java platform's SHA-256 can be copied", e);
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
