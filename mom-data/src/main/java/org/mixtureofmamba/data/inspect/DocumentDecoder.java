package org.mixtureofmamba.data.inspect;

import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.LongStream;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.document.Interleaver;
import org.mixtureofmamba.data.document.LatentImages;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;

/** Turns documents of a corpus back into what a person can read, see and hear. */
public final class DocumentDecoder {
    private final TokenizerSet tokenizers;
    private final Optional<LatentImages> latents;
    private final Interleaver interleaver;

    /** What a document holds, in order. */
    public sealed interface Content {
        /** A stretch of text. */
        record Text(String text) implements Content {}

        /** A decoded image. */
        record Image(BufferedImage pixels) implements Content {}

        /** Decoded mono sound in [-1, 1] at {@link AudioFiles#SAMPLE_RATE}. */
        record Sound(float[] pcm) implements Content {}
    }

    /**
     * A decoder of a corpus' documents.
     *
     * @throws UserException if the corpus was made with other tokenizers
     */
    public DocumentDecoder(TokenCorpus corpus, TokenizerSet tokenizers) {
        this(corpus, tokenizers, Optional.empty());
    }

    /**
     * A decoder of a corpus whose images may be latents.
     *
     * @throws UserException if the corpus was made with other tokenizers or another autoencoder
     */
    public DocumentDecoder(TokenCorpus corpus, TokenizerSet tokenizers, Optional<LatentImages> latents) {
        var fingerprint =
                latents.map(encoder -> encoder.fingerprint(tokenizers)).orElseGet(tokenizers::fingerprint);
        if (!fingerprint.equals(corpus.manifest().tokenizers())) {
            throw new UserException(
                    "the corpus in %s was made with other tokenizers; name the directory it was prepared with"
                            .formatted(corpus.directory()));
        }
        this.tokenizers = tokenizers;
        this.latents = latents;
        this.interleaver =
                new Interleaver(corpus.vocabulary(), corpus.manifest().seed());
    }

    /** The contents of a document of ids of the unified vocabulary. */
    public List<Content> decode(int[] tokens) {
        return decode(tokens, new float[0]);
    }

    /**
     * The contents of a document with latents.
     *
     * @param vectors [image tokens, C], as {@link DocumentSet#latents} gives them; empty where images are codes
     */
    public List<Content> decode(int[] tokens, float[] vectors) {
        var contents = new ArrayList<Content>();
        int at = 0;
        for (var segment : interleaver.segments(tokens)) {
            var ids = Arrays.stream(segment.tokens())
                    .map(interleaver.vocabulary()::localId)
                    .toArray();
            contents.add(
                    switch (segment.modality()) {
                        case TEXT ->
                            new Content.Text(new String(tokenizers.text().decode(ids), StandardCharsets.UTF_8));
                        case IMAGE -> new Content.Image(image(ids, vectors, at));
                        case SPEECH -> new Content.Sound(tokenizers.speech().decode(ids));
                    });
            at += segment.modality() == Modality.IMAGE ? ids.length : 0;
        }
        return contents;
    }

    /** @param before image tokens of the document before this image */
    private BufferedImage image(int[] ids, float[] vectors, int before) {
        return latents.map(encoder -> {
                    int from = before * encoder.width();
                    return encoder.codec()
                            .decode(Arrays.copyOfRange(vectors, from, from + ids.length * encoder.width()));
                })
                .orElseGet(() -> tokenizers.image().decode(ids));
    }

    /** Different documents of a set, drawn by a seed; all of them where there are no more. */
    public static long[] draw(DocumentSet set, int count, long seed) {
        if (set.size() <= count) {
            return LongStream.range(0, set.size()).toArray();
        }
        return new Random(seed).longs(0, set.size()).distinct().limit(count).toArray();
    }

    /**
     * Writes a document's contents into a directory as {@code NAME-0.txt}, {@code NAME-1.png}, {@code NAME-2.wav}.
     *
     * @param vectors see {@link #decode(int[], float[])}
     * @param name of the files; whatever of it does not belong into a file name becomes {@code _}
     * @return the files, in the order of the contents
     */
    public List<Path> write(int[] tokens, float[] vectors, Path directory, String name) {
        var files = new ArrayList<Path>();
        var safe = name.replaceAll("[^A-Za-z0-9_.~-]+", "_").replaceAll("^\\.+", "_");
        for (var content : decode(tokens, vectors)) {
            var stem = "%s-%d".formatted(safe, files.size());
            files.add(
                    switch (content) {
                        case Content.Text text -> {
                            var file = directory.resolve(stem + ".txt");
                            AtomicFiles.writeString(file, text.text());
                            yield file;
                        }
                        case Content.Image image -> {
                            var file = directory.resolve(stem + ".png");
                            ImageFiles.write(file, image.pixels());
                            yield file;
                        }
                        case Content.Sound sound -> {
                            var file = directory.resolve(stem + ".wav");
                            AudioFiles.write(file, sound.pcm());
                            yield file;
                        }
                    });
        }
        return files;
    }
}
