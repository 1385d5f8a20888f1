package org.mixtureofmamba.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.Tokenizer;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.image.PatchQuantizerTrainer;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.speech.SpeechUnitsTrainer;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;
import org.mixtureofmamba.tokenizers.text.PreTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "train", description = "Trains one tokenizer on files and on all fitting files of directories.")
final class TokenizerTrain implements Runnable {
    private static final int TEXT_SIZE = 32_768;

    @Spec
    private CommandSpec spec;

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

    @Option(names = "--pre-tokenizer", paramLabel = "NAME", defaultValue = "gpt2",
            description = "How text is cut before merging: gpt2 or llama3 (${DEFAULT-VALUE}).")
    private String preTokenizer;

    @Option(names = "--special", paramLabel = "TOKEN", description = "Text: a token matched as it stands, as <|endoftext|>; may be repeated.")
    private List<String> special = List.of();

    @Option(names = "--reserved", paramLabel = "N", defaultValue = "0",
            description = "Text: ids kept free for later, as <|reserved_0|> and so on.")
    private int reserved;

    @Option(names = "--min-frequency", paramLabel = "N", defaultValue = "2", description = "Text: least count of a pair worth a merge (${DEFAULT-VALUE}).")
    private int minFrequency;

    @Override
    public void run() {
        var input = InputFiles.of(files, modality, spec.commandLine().getErr());
        Tokenizer tokenizer = switch (modality) {
            case TEXT -> textTrainer().train(readable(input));
            case IMAGE -> imageTrainer().train(media(input, ImageFiles::read));
            case SPEECH -> speechTrainer().train(media(input, AudioFiles::read));
        };
        tokenizer.save(out);
        spec.commandLine().getErr().println("mom: wrote %s, trained on %d files".formatted(out, input.files().size() - input.bad())
                + (input.bad() > 0 ? ", %d bad ones passed over".formatted(input.bad()) : ""));
    }

    private static List<Path> readable(InputFiles input) {
        return media(input, file -> {
            if (!Files.isReadable(file)) {
                throw new UserException("cannot read %s; check the path and its permissions".formatted(file));
            }
            return file;
        }).toList();
    }

    private static <T> Stream<T> media(InputFiles input, Function<Path, T> reader) {
        return input.files().stream().flatMap(file -> input.attempt(file, reader).stream());
    }

    private BpeTrainer textTrainer() {
        if (reserved < 0) {
            throw new UserException("--reserved %d is negative".formatted(reserved));
        }
        var tokens = new ArrayList<>(special);
        for (int i = 0; i < reserved; i++) {
            tokens.add("<|reserved_%d|>".formatted(i));
        }
        return BpeTrainer.of(size.orElse(TEXT_SIZE)).with(PreTokenizer.named(preTokenizer)).withSpecialTokens(tokens)
                .withMinFrequency(minFrequency);
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
