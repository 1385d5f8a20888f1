package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.Optional;

import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.image.ImageTokenizers;
import org.mixtureofmamba.tokenizers.speech.SpeechUnits;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import org.mixtureofmamba.tokenizers.text.PretrainedBpe;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "bundle",
        description =
                "Puts three tokenizers and their manifest into a directory, as `data prepare --tokenizers` takes it; what is not named "
                        + "is the demo's.")
final class TokenizerBundle implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--text", paramLabel = "FILE", description = "A tokenizer.json, bpe-8192 or bpe-32000.")
    private Optional<String> text = Optional.empty();

    @Option(names = "--image", paramLabel = "FILE")
    private Optional<Path> image = Optional.empty();

    @Option(names = "--speech", paramLabel = "FILE")
    private Optional<Path> speech = Optional.empty();

    @Option(names = "--out", required = true, paramLabel = "DIR")
    private Path out;

    @Override
    public void run() {
        var demo = TokenizerSet.demo();
        var set = TokenizerSet.of(
                text.map(name -> PretrainedBpe.named(name)
                                .map(PretrainedBpe::load)
                                .orElseGet(() -> BpeTokenizer.load(Path.of(name))))
                        .<TextTokenizer>map(t -> t)
                        .orElse(demo.text()),
                image.map(ImageTokenizers::load).orElse(demo.image()),
                speech.<SpeechTokenizer>map(SpeechUnits::load).orElse(demo.speech()));
        set.save(out);
        spec.commandLine()
                .getErr()
                .println("mom: wrote %s, %d ids, fingerprint %s"
                        .formatted(out, set.vocabulary().size(), set.fingerprint()));
    }
}
