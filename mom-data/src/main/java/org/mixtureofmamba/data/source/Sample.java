package org.mixtureofmamba.data.source;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;

import org.mixtureofmamba.data.document.ContentHash;

/**
 * One raw record of a source: media still encoded, text still text.
 *
 * <p>{@code id} names it in messages and is unique within its source. {@code group} ties together samples that show
 * nearly the same thing (skin tones of one emoji), so that all are held out or none; it is empty where a sample stands
 * alone.
 */
public sealed interface Sample {
    String id();

    /** A document of text alone. */
    record Text(String id, String text) implements Sample {}

    /** An encoded image (PNG, JPEG, ...) with its caption, which may be empty. */
    record CaptionedImage(String id, String group, byte[] image, String caption) implements Sample {}

    /** An encoded recording (FLAC, WAV, ...) with its transcript, which may be empty. */
    record TranscribedSpeech(String id, String group, byte[] audio, String transcript) implements Sample {}

    /** Texts and images in the order of a page. */
    record Interleaved(String id, String group, List<Item> items) implements Sample {
        public Interleaved {
            items = List.copyOf(items);
        }
    }

    /** One of the contents of an {@link Interleaved} sample. */
    sealed interface Item {
        /** A paragraph or more. */
        record Text(String text) implements Item {}

        /** An encoded image (PNG, JPEG, ...). */
        record Image(byte[] image) implements Item {}
    }

    /** A record that cannot be used, and why; counted, not trained on. */
    record Rejected(String id, String reason) implements Sample {}

    /** Bytes of media and characters of text: about the memory it takes. */
    default long size() {
        return switch (this) {
            case Text s -> s.text().length();
            case CaptionedImage s -> s.image().length + s.caption().length();
            case TranscribedSpeech s -> s.audio().length + s.transcript().length();
            case Interleaved s ->
                s.items().stream()
                        .mapToLong(item -> switch (item) {
                            case Item.Text text -> text.text().length();
                            case Item.Image image -> image.image().length;
                        })
                        .sum();
            case Rejected _ -> 0;
        };
    }

    /** A digest of what the sample holds, its id and group left out: equal for duplicates. */
    default ContentHash contentHash() {
        return switch (this) {
            case Text s -> ContentHash.of(digest -> addText(digest, s.text()));
            case CaptionedImage s ->
                ContentHash.of(digest -> {
                    digest.update(s.image());
                    addText(digest, s.caption());
                });
            case TranscribedSpeech s ->
                ContentHash.of(digest -> {
                    digest.update(s.audio());
                    addText(digest, s.transcript());
                });
            case Interleaved s ->
                ContentHash.of(digest -> {
                    for (var item : s.items()) {
                        switch (item) {
                            case Item.Text text -> addText(digest, text.text());
                            case Item.Image image -> {
                                digest.update((byte) 1);
                                digest.update(image.image());
                            }
                        }
                    }
                });
            case Rejected s -> ContentHash.of(digest -> addText(digest, s.id()));
        };
    }

    private static void addText(MessageDigest digest, String text) {
        digest.update((byte) 0);
        digest.update(text.getBytes(StandardCharsets.UTF_8));
    }
}
