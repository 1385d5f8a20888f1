package org.mixtureofmamba.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.image.PatchQuantizer;
import org.mixtureofmamba.tokenizers.image.PatchQuantizerTrainer;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.speech.SpeechUnits;
import org.mixtureofmamba.tokenizers.speech.SpeechUnitsTrainer;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "tokenizer",
        description = "Trains a tokenizer, or turns files into its ids and back.",
        subcommands = {TokenizerCommand.Train.class, TokenizerCommand.Encode.class, TokenizerCommand.Decode.class})
final class TokenizerCommand implements Runnable {
    private static final long LARGEST_TEXT = 1L << 30;
    private static final int MOST_IDS = 100_000_000;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw new UserException("say what the tokenizer is to do: train, encode or decode");
    }

    /** Which tokenizer to use: one file of its own, or the project's. */
    static final class Choice {
        @Option(
                names = "--tokenizer",
                paramLabel = "FILE",
                description = "A file that `tokenizer train` wrote; without it the one that ships with the project.")
        private Optional<Path> file = Optional.empty();

        TextTokenizer text() {
            return file.<TextTokenizer>map(BpeTokenizer::load).orElseGet(() -> TokenizerSet.demo().text());
        }

        ImageTokenizer image() {
            return file.<ImageTokenizer>map(PatchQuantizer::load).orElseGet(() -> TokenizerSet.demo().image());
        }

        SpeechTokenizer speech() {
            return file.<SpeechTokenizer>map(SpeechUnits::load).orElseGet(() -> TokenizerSet.demo().speech());
        }
    }

    @Command(name = "train", description = "Trains one tokenizer on files.")
    static final class Train implements Runnable {
        @Parameters(index = "0", paramLabel = "text|image|speech")
        private Modality modality;

        @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE")
        private List<Path> files;

        @Option(names = "--out", required = true, paramLabel = "FILE", description = "The tokenizer; for text a tokenizer.json.")
        private Path out;

        @Option(
                names = "--size",
                paramLabel = "N",
                description = "Ids of the tokenizer; without it 32,768 for text, 512 for images, 500 for speech.")
        private Optional<Integer> size = Optional.empty();

        @Option(names = "--seed", description = "Of the clustering of images and speech.", defaultValue = "0")
        private long seed;

        @Override
        public void run() {
            var tokenizer = switch (modality) {
                case TEXT -> BpeTrainer.of(size.orElse(32_768)).train(files);
                case IMAGE -> imageTrainer().train(files.stream().map(ImageFiles::read));
                case SPEECH -> speechTrainer().train(files.stream().map(AudioFiles::read));
            };
            tokenizer.save(out);
            System.err.println("mom: wrote " + out);
        }

        private PatchQuantizerTrainer imageTrainer() {
            var standard = PatchQuantizerTrainer.small(seed);
            return size.map(codes -> new PatchQuantizerTrainer(
                            standard.width(),
                            standard.height(),
                            standard.patch(),
                            codes,
                            standard.iterations(),
                            standard.maxPatches(),
                            seed))
                    .orElse(standard);
        }

        private SpeechUnitsTrainer speechTrainer() {
            var standard = SpeechUnitsTrainer.standard(seed);
            return size.map(standard::withUnits).orElse(standard);
        }
    }

    @Command(name = "encode", description = "Prints the ids of each file, a line a file, separated by spaces.")
    static final class Encode implements Runnable {
        @Spec
        private CommandSpec spec;

        @Parameters(index = "0", paramLabel = "text|image|speech")
        private Modality modality;

        @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE")
        private List<Path> files;

        @picocli.CommandLine.Mixin
        private Choice choice;

        @Override
        public void run() {
            var encoder = encoder();
            for (var file : files) {
                var line = Arrays.stream(encoder.encode(file)).mapToObj(Integer::toString).collect(Collectors.joining(" "));
                spec.commandLine().getOut().println(line);
            }
        }

        private interface Encoder {
            int[] encode(Path file);
        }

        private Encoder encoder() {
            return switch (modality) {
                case TEXT -> {
                    var text = choice.text();
                    yield file -> text.encode(read(file));
                }
                case IMAGE -> {
                    var image = choice.image();
                    yield file -> image.encode(ImageFiles.read(file));
                }
                case SPEECH -> {
                    var speech = choice.speech();
                    yield file -> speech.encode(AudioFiles.read(file));
                }
            };
        }

        private static byte[] read(Path file) {
            try {
                if (Files.size(file) > LARGEST_TEXT) {
                    throw new UserException("%s is larger than 1 GiB; split it".formatted(file));
                }
                return Files.readAllBytes(file);
            } catch (IOException e) {
                throw new UserException("cannot read %s: %s".formatted(file, e), e);
            }
        }
    }

    @Command(
            name = "decode",
            description = "Turns lines of ids from standard input into bytes on standard output (text), or each line into a file (images as "
                    + "PNG, speech as WAV).")
    static final class Decode implements Runnable {
        @Parameters(index = "0", paramLabel = "text|image|speech")
        private Modality modality;

        @Parameters(index = "1..*", arity = "0..*", paramLabel = "FILE", description = "To write, one for each line; none for text.")
        private List<Path> files = List.of();

        @picocli.CommandLine.Mixin
        private Choice choice;

        @Override
        public void run() {
            var lines = readIds();
            if (modality == Modality.TEXT) {
                decodeText(lines);
                return;
            }
            if (lines.size() != files.size()) {
                throw new UserException("%d lines of ids and %d files to write; give a file for each line"
                        .formatted(lines.size(), files.size()));
            }
            for (int i = 0; i < files.size(); i++) {
                if (modality == Modality.IMAGE) {
                    ImageFiles.write(files.get(i), choice.image().decode(lines.get(i)));
                } else {
                    AudioFiles.write(files.get(i), choice.speech().decode(lines.get(i)));
                }
            }
        }

        private void decodeText(List<int[]> lines) {
            if (!files.isEmpty()) {
                throw new UserException("decoded text goes to standard output; name no file");
            }
            var text = choice.text();
            for (var line : lines) {
                System.out.writeBytes(text.decode(line));
            }
            System.out.flush();
        }

        private static List<int[]> readIds() {
            try (var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
                return in.lines().filter(line -> !line.isBlank()).map(Decode::ids).toList();
            } catch (IOException e) {
                throw new FailureException("cannot read standard input: " + e.getMessage(), e);
            }
        }

        private static int[] ids(String line) {
            try {
                return Stream.of(line.strip().split("\\s+")).limit(MOST_IDS).mapToInt(Integer::parseInt).toArray();
            } catch (NumberFormatException e) {
                throw new UserException("standard input is no list of ids: " + e.getMessage(), e);
            }
        }
    }
}
