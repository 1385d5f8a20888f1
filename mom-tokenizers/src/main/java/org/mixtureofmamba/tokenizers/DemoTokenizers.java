package org.mixtureofmamba.tokenizers;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.speech.SpeechUnits;
import org.mixtureofmamba.tokenizers.speech.SpeechUnitsTrainer;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;
import tools.jackson.databind.json.JsonMapper;

/**
 * Trains the tokenizers of the demo on its unpacked corpus: {@code text.txt}, {@code images/*.png} with {@code .json}
 * captions, {@code speech/*.flac} with {@code .txt} transcripts. That of images ships already, trained on the same
 * corpus. Of the images and clips, in order of their names, every {@value #HELD_OUT}th is held out for the figures of
 * the model card.
 */
public final class DemoTokenizers {
    /** One file of this many is not trained on. */
    public static final int HELD_OUT = 20;

    private static final int TEXT_SIZE = 2048;
    private static final long SEED = 0;

    private final Path corpus;

    public DemoTokenizers(Path corpus) {
        this.corpus = corpus;
    }

    /** {@code DemoTokenizers CORPUS OUT}: trains text and speech and writes a directory of all three tokenizers. */
    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            throw new UserException("usage: DemoTokenizers CORPUS OUT");
        }
        var demo = new DemoTokenizers(Path.of(arguments[0]));
        var image = Tokenizers.of(ImageTokenizer.class).open("vq-64");
        TokenizerSet.of(demo.trainText(), image, demo.trainSpeech()).save(Path.of(arguments[1]));
    }

    /** Byte-pair encoding of the pages, captions and transcripts. */
    public BpeTokenizer trainText() {
        var texts = new ArrayList<String>();
        texts.add(readString(corpus.resolve("text.txt")));
        files("images", ".json")
                .forEach(file -> texts.add(new JsonMapper()
                        .readTree(readString(file))
                        .path("caption")
                        .asString("")));
        files("speech", ".txt").forEach(file -> texts.add(readString(file)));
        return BpeTrainer.of(TEXT_SIZE).trainOnTexts(texts);
    }

    /** Units of the clips that are not held out. */
    public SpeechUnits trainSpeech() {
        return SpeechUnitsTrainer.standard(SEED).train(recordings(false));
    }

    /** Images in order of their names, those held out or the others. */
    public Stream<BufferedImage> images(boolean heldOut) {
        return split(files("images", ".png"), heldOut).map(ImageFiles::read);
    }

    /** Recordings in order of their names, those held out or the others. */
    public Stream<float[]> recordings(boolean heldOut) {
        return split(files("speech", ".flac"), heldOut).map(AudioFiles::read);
    }

    private static Stream<Path> split(List<Path> files, boolean heldOut) {
        var chosen = new ArrayList<Path>();
        for (int i = 0; i < files.size(); i++) {
            if (heldOut == (i % HELD_OUT == HELD_OUT - 1)) {
                chosen.add(files.get(i));
            }
        }
        return chosen.stream();
    }

    private List<Path> files(String directory, String suffix) {
        Path path = corpus.resolve(directory);
        try (var list = Files.list(path)) {
            var files = list.filter(file -> file.toString().endsWith(suffix))
                    .sorted()
                    .toList();
            if (files.isEmpty()) {
                throw new UserException("%s holds no %s files; unpack the demo corpus there".formatted(path, suffix));
            }
            return files;
        } catch (IOException | UncheckedIOException e) {
            throw new UserException("cannot list %s: %s; unpack the demo corpus there".formatted(path, e), e);
        }
    }

    private static String readString(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }
}
