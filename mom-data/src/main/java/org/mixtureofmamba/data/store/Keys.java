package org.mixtureofmamba.data.store;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

import org.mixtureofmamba.core.UserException;

/** What both kinds of store ask of keys, and the digests they keep. */
final class Keys {
    private Keys() {}

    /**
     * Refuses a key that is no relative name, so that no store leads out of its root.
     *
     * @throws UserException if it is none
     */
    static String checked(String key) {
        boolean relative = !key.isEmpty()
                && key.indexOf('\\') < 0
                && key.indexOf('\0') < 0
                && List.of(key.split("/", -1)).stream()
                        .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (!relative) {
            throw new UserException(
                    "'%s' is no key: write a relative name without '.', '..' and backslashes".formatted(key));
        }
        return key;
    }

    static MessageDigest sha256() {
        return digest("SHA-256");
    }

    static MessageDigest md5() {
        return digest("MD5");
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has " + algorithm, e);
        }
    }
}
