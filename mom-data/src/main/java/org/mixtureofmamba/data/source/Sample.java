package org.mixtureofmamba.data.source;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

import org.mixtureofmamba.data.document.ContentHash;

/**
 * One raw record of a source: media still encoded, text still text.
 *
 * <p>{@code id} names it in messages and is unique within its source. {@code group} ties together samples that show nearly the
 * same thing (skin tones of one emoji), so that all are held out or none; it is empty where a sample stands alone.
 */
public sealed interface Sample {
    String id();

    /** A document of text alone. */
    record Text(String id, String text) implements Sample {}

    /** An encoded image (PNG, JPEG, ...) with its caption, which may be empty. */
    record CaptionedImage(String id, String group, byte[] image, String caption) implements Sample {}

    /** An encoded recording (FLAC, WAV, ...) with its transcript, which may be empty. */
    record TranscribedSpeech(String id, String group, byte[] audio, String transcript) implements Sample {}

    /** A record that cannot be used, and why; counted, not trained on. */
    record Rejected(String id, String reason) implements Sample {}

    /** A digest of what the sample holds, its id and group left out: equal for duplicates. */
    default ContentHash contentHash() {
        return switch (this) {
            case Text s -> ContentHash.of(digest -> addText(digest, s.text()));
            case CaptionedImage s -> ContentHash.of(digest -> {
                digest.update(s.image());
                addText(digest, s.caption());
            });
            case TranscribedSpeech s -> ContentHash.of(digest -> {
                digest.update(s.audio());
                addText(digest, s.transcript());
            });
            case Rejected s -> ContentHash.of(digest -> addText(digest, s.id()));
        };
    }

    private static void addText(MessageDigest digest, String text) {
        digest.update((byte) 0);
        digest.update(text.getBytes(StandardCharsets.UTF_8));
    }
}
