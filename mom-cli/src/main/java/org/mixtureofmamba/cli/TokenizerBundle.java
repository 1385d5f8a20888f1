package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.Optional;

import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.Tokenizers;
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

    @Option(names = "--image", paramLabel = "FILE", description = "A tokenizer's file, or vq-64.")
    private Optional<String> image = Optional.empty();

    @Option(names = "--speech", paramLabel = "FILE", description = "A tokenizer's file.")
    private Optional<String> speech = Optional.empty();

    @Option(names = "--out", required = true, paramLabel = "DIR")
    private Path out;

    @Override
    public void run() {
        var demo = TokenizerSet.demo();
        var set = TokenizerSet.of(
                text.map(Tokenizers.of(TextTokenizer.class)::open).orElse(demo.text()),
                image.map(Tokenizers.of(ImageTokenizer.class)::open).orElse(demo.image()),
                speech.map(Tokenizers.of(SpeechTokenizer.class)::open).orElse(demo.speech()));
        set.save(out);
        spec.commandLine()
                .getErr()
                .println("mom: wrote %s, %d ids, fingerprint %s"
                        .formatted(out, set.vocabulary().size(), set.fingerprint()));
    }
}
