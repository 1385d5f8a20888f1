package org.mixtureofmamba.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.Tokenizer;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.Tokenizers;
import picocli.CommandLine.Option;

/** Which tokenizer a command uses: a file of its own, one of a directory of tokenizers, or the project's. */
final class TokenizerChoice {
    @Option(
            names = "--tokenizer",
            paramLabel = "FILE",
            description =
                    "A file that `tokenizer train` wrote, a directory of tokenizers, or for text bpe-8192 or bpe-32000, for images "
                            + "vq-64, which ship with the project; without it those of the demo.")
    private Optional<String> name = Optional.empty();

    TextTokenizer text() {
        return choose(TextTokenizer.class, TokenizerSet::text);
    }

    ImageTokenizer image() {
        return choose(ImageTokenizer.class, TokenizerSet::image);
    }

    SpeechTokenizer speech() {
        return choose(SpeechTokenizer.class, TokenizerSet::speech);
    }

    private <T extends Tokenizer> T choose(Class<T> type, Function<TokenizerSet, T> part) {
        if (name.isEmpty()) {
            return part.apply(TokenizerSet.demo());
        }
        var directory = Path.of(name.get());
        return Files.isDirectory(directory)
                ? part.apply(TokenizerSet.load(directory))
                : Tokenizers.of(type).open(name.get());
    }
}
