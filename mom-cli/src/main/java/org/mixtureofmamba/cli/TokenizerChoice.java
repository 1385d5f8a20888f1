package org.mixtureofmamba.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.image.ImageTokenizers;
import org.mixtureofmamba.tokenizers.image.PretrainedImages;
import org.mixtureofmamba.tokenizers.speech.SpeechUnits;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import org.mixtureofmamba.tokenizers.text.PretrainedBpe;
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
        return name.flatMap(PretrainedBpe::named)
                .<TextTokenizer>map(PretrainedBpe::load)
                .or(() -> set().map(TokenizerSet::text))
                .or(() -> file().map(BpeTokenizer::load))
                .orElseGet(() -> TokenizerSet.demo().text());
    }

    ImageTokenizer image() {
        return name.filter(PretrainedImages.QUANTIZER::equals)
                .<ImageTokenizer>map(_ -> PretrainedImages.quantizer())
                .or(() -> set().map(TokenizerSet::image))
                .or(() -> file().map(ImageTokenizers::load))
                .orElseGet(() -> TokenizerSet.demo().image());
    }

    SpeechTokenizer speech() {
        return set().map(TokenizerSet::speech)
                .or(() -> file().map(SpeechUnits::load))
                .orElseGet(() -> TokenizerSet.demo().speech());
    }

    private Optional<Path> file() {
        return name.map(Path::of).map(TokenizerChoice::existing);
    }

    private static Path existing(Path file) {
        if (Files.notExists(file)) {
            throw new UserException(
                    ("there is no tokenizer %s here; name a file or a directory, or of those that ship bpe-8192 or bpe-32000 for "
                                    + "text, vq-64 for images")
                            .formatted(file));
        }
        return file;
    }

    private Optional<TokenizerSet> set() {
        return file().filter(Files::isDirectory).map(TokenizerSet::load);
    }
}
