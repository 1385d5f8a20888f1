package org.mixtureofmamba.data.source;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.document.ContentHash;
import org.mixtureofmamba.tokenizers.MediaType;

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

    /** Texts, images and recordings in the order of a page. */
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

        /** An encoded recording (FLAC, WAV, ...). */
        record Speech(byte[] audio) implements Item {}

        /** Bytes of media or characters of text. */
        private long size() {
            return switch (this) {
                case Text text -> text.text().length();
                case Image image -> image.image().length;
                case Speech speech -> speech.audio().length;
            };
        }

        /** Media of a file of some type. */
        static Item of(MediaType type, byte[] bytes) {
            return type.modality() == Modality.IMAGE ? new Image(bytes) : new Speech(bytes);
        }
    }

    /** A record that cannot be used, and why; counted, not trained on. */
    record Rejected(String id, String reason) implements Sample {}

    /**
     * The sample of a record with a text, which may be empty, and media. One image or one recording makes a pair with
     * the text; several of them, of one kind or both, make one interleaved sample: the text, then the media in their
     * order. A record of nothing is rejected.
     */
    static Sample of(String id, String group, String text, List<Item> media) {
        if (media.size() > 1) {
            var items = new ArrayList<Item>();
            if (!text.isBlank()) {
                items.add(new Item.Text(text));
            }
            items.addAll(media);
            return new Interleaved(id, group, items);
        }
        if (media.isEmpty()) {
            return text.isEmpty() ? new Rejected(id, "neither media nor text") : new Text(id, text);
        }
        return switch (media.getFirst()) {
            case Item.Image image -> new CaptionedImage(id, group, image.image(), text);
            case Item.Speech speech -> new TranscribedSpeech(id, group, speech.audio(), text);
            case Item.Text words -> new Text(id, words.text());
        };
    }

    /** What a sample is there for: speech where it has speech, else images where it has images, else text. */
    default Modality purpose() {
        return switch (this) {
            case Text _, Rejected _ -> Modality.TEXT;
            case CaptionedImage _ -> Modality.IMAGE;
            case TranscribedSpeech _ -> Modality.SPEECH;
            case Interleaved s ->
                s.items().stream().anyMatch(Item.Speech.class::isInstance)
                        ? Modality.SPEECH
                        : s.items().stream().anyMatch(Item.Image.class::isInstance) ? Modality.IMAGE : Modality.TEXT;
        };
    }

    /** Bytes of media and characters of text: about the memory it takes. */
    default long size() {
        return switch (this) {
            case Text s -> s.text().length();
            case CaptionedImage s -> s.image().length + s.caption().length();
            case TranscribedSpeech s -> s.audio().length + s.transcript().length();
            case Interleaved s -> s.items().stream().mapToLong(Item::size).sum();
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
                            case Item.Speech speech -> {
                                digest.update((byte) 2);
                                digest.update(speech.audio());
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
