package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.Vocabulary;

/**
 * How documents are made of samples by a {@link DocumentBatch}: one of a text or a held-out sample, one for each
 * augmentation of the others. Safe for use by many threads.
 */
public record DocumentTokenizer(
        Setting setting,
        TextTokenizer text,
        ImageEncoder image,
        SpeechTokenizer speech,
        MediaDecoder media,
        Interleaver interleaver,
        HeldOutSplit split,
        Augmentation augmentation) {
    /** How often a caption stands before its latents (arXiv 2408.11039, section 4.1). */
    private static final double CAPTION_FIRST = 0.8;

    /**
     * Makes documents with a set of tokenizers.
     *
     * @param seed decides which way round text and media stand in each document
     */
    public static DocumentTokenizer of(
            TokenizerSet tokenizers, Setting setting, long seed, HeldOutSplit split, Augmentation augmentation) {
        return new DocumentTokenizer(
                setting,
                tokenizers.text(),
                ImageEncoder.codes(tokenizers.image(), tokenizers.vocabulary()),
                tokenizers.speech(),
                MediaDecoder.standard(),
                new Interleaver(tokenizers.vocabulary(), seed),
                split,
                augmentation);
    }

    /**
     * Makes documents of text and continuous latents of images, as Transfusion has them (arXiv 2408.11039): the
     * vocabulary is that of the text and one id that stands for a latent, and captions come first 80 % of the time.
     *
     * @param seed decides which way round caption and image stand in each document
     */
    public static DocumentTokenizer transfusion(
            TextTokenizer text,
            LatentEncoder latents,
            MediaDecoder media,
            long seed,
            HeldOutSplit split,
            Augmentation augmentation) {
        var vocabulary = new Vocabulary(text.vocabularySize(), 1, 0);
        return new DocumentTokenizer(
                Setting.CHAMELEON,
                text,
                ImageEncoder.latents(latents, vocabulary),
                new NoSpeech(),
                media,
                new Interleaver(vocabulary, seed, CAPTION_FIRST),
                split,
                augmentation);
    }

    /** The documents of a sample for a {@link DocumentBatch}, once it has their images. */
    List<Supplier<Document>> drafts(Sample sample, DocumentBatch batch) {
        boolean heldOut = split.holdsOut(sample);
        var augmented = heldOut ? Augmentation.NONE : augmentation;
        return switch (sample) {
            case Sample.Text s -> List.of(textDocument(s, heldOut));
            case Sample.CaptionedImage s -> imageDocuments(s, heldOut, augmented, batch);
            case Sample.TranscribedSpeech s -> speechDocuments(s, heldOut, augmented);
            case Sample.Interleaved s -> List.of(interleavedDocument(s, heldOut, batch));
            case Sample.Rejected s -> throw new UserException(s.reason());
        };
    }

    private Supplier<Document> textDocument(Sample.Text sample, boolean heldOut) {
        if (sample.text().isBlank()) {
            throw new UserException("the text is empty");
        }
        var document = new Document(sample.id(), heldOut, List.of(textSegment(sample.text())));
        return () -> document;
    }

    private List<Supplier<Document>> imageDocuments(
            Sample.CaptionedImage sample, boolean heldOut, Augmentation augmented, DocumentBatch batch) {
        require(Modality.IMAGE);
        var caption = textSegment(sample.caption());
        var picture = media.image(sample.image(), sample.id());
        var documents = new ArrayList<Supplier<Document>>();
        documents.add(imageDocument(sample.id(), heldOut, batch.image(picture), caption));
        if (augmented.mirrorImages()) {
            documents.add(imageDocument(sample.id() + "~mirror", heldOut, batch.image(mirrored(picture)), caption));
        }
        return documents;
    }

    private Supplier<Document> imageDocument(String id, boolean heldOut, Supplier<Segment> picture, Segment caption) {
        return () -> new Document(id, heldOut, interleaver.pair(id, caption, picture.get()));
    }

    private List<Supplier<Document>> speechDocuments(
            Sample.TranscribedSpeech sample, boolean heldOut, Augmentation augmented) {
        require(Modality.SPEECH);
        var transcript = textSegment(sample.transcript());
        var sound = media.sound(sample.audio(), sample.id());
        var documents = new ArrayList<Supplier<Document>>();
        for (double speed : augmented.speechSpeeds()) {
            var recording = speechSegment(atSpeed(sound, speed));
            var id = speed == 1 ? sample.id() : "%s~x%s".formatted(sample.id(), speed);
            var document = new Document(id, heldOut, interleaver.pair(id, transcript, recording));
            documents.add(() -> document);
        }
        return documents;
    }

    private Segment speechSegment(float[] sound) {
        var units = speech.encode(sound);
        if (units.length == 0) {
            throw new UserException("the recording is empty");
        }
        for (int i = 0; i < units.length; i++) {
            units[i] = vocabulary().speech(units[i]);
        }
        return new Segment(Modality.SPEECH, units);
    }

    /**
     * Texts that stand next to each other are one, with a blank line between them. Never augmented. A sample with
     * something that the setting does not have is refused whole.
     */
    private Supplier<Document> interleavedDocument(Sample.Interleaved sample, boolean heldOut, DocumentBatch batch) {
        var segments = new ArrayList<Supplier<Segment>>();
        var words = new StringBuilder();
        for (var item : sample.items()) {
            switch (item) {
                case Sample.Item.Text s ->
                    words.append(words.isEmpty() || s.text().isBlank() ? "" : "\n\n")
                            .append(s.text().strip());
                case Sample.Item.Image s -> {
                    require(Modality.IMAGE);
                    addText(words, segments);
                    segments.add(batch.image(media.image(s.image(), sample.id())));
                }
                case Sample.Item.Speech s -> {
                    require(Modality.SPEECH);
                    addText(words, segments);
                    var recording = speechSegment(media.sound(s.audio(), sample.id()));
                    segments.add(() -> recording);
                }
            }
        }
        addText(words, segments);
        if (segments.isEmpty()) {
            throw new UserException("the text is empty");
        }
        return () -> new Document(
                sample.id(), heldOut, segments.stream().map(Supplier::get).toList());
    }

    private void addText(StringBuilder words, List<Supplier<Segment>> segments) {
        if (!words.isEmpty()) {
            var text = textSegment(words.toString());
            segments.add(() -> text);
            words.setLength(0);
        }
    }

    private void require(Modality modality) {
        if (!setting.has(modality)) {
            throw new UserException("the %s setting has no %s".formatted(setting.key(), modality.key()));
        }
    }

    /** What looks like a special token in a document is text: documents end where the interleaver ends them. */
    private Segment textSegment(String content) {
        var ids = text.encodeOrdinary(content);
        for (int i = 0; i < ids.length; i++) {
            ids[i] = vocabulary().text(ids[i]);
        }
        return new Segment(Modality.TEXT, ids);
    }

    private Vocabulary vocabulary() {
        return interleaver.vocabulary();
    }

    private static BufferedImage mirrored(BufferedImage picture) {
        int width = picture.getWidth();
        int height = picture.getHeight();
        var mirror = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
        var row = new int[width];
        for (int y = 0; y < height; y++) {
            picture.getRGB(0, y, width, 1, row, 0, width);
            for (int left = 0, right = width - 1; left < right; left++, right--) {
                int pixel = row[left];
                row[left] = row[right];
                row[right] = pixel;
            }
            mirror.setRGB(0, y, width, 1, row, 0, width);
        }
        return mirror;
    }

    /** Faster sound is shorter and higher, as a tape is; resampled linearly. */
    private static float[] atSpeed(float[] sound, double speed) {
        if (speed == 1 || sound.length == 0) {
            return sound;
        }
        var resampled = new float[(int) (sound.length / speed)];
        for (int i = 0; i < resampled.length; i++) {
            double at = i * speed;
            int left = (int) at;
            int right = Math.min(left + 1, sound.length - 1);
            float weight = (float) (at - left);
            resampled[i] = sound[left] + weight * (sound[right] - sound[left]);
        }
        return resampled;
    }
}
