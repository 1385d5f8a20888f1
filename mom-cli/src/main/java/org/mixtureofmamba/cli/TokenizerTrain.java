package org.mixtureofmamba.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.imagemodels.ConvolutionalQuantizerTrainer;
import org.mixtureofmamba.imagemodels.ImageModel;
import org.mixtureofmamba.imagemodels.ImageModelTrainer;
import org.mixtureofmamba.imagemodels.KlAutoencoderTrainer;
import org.mixtureofmamba.tokenizers.StepListener;
import org.mixtureofmamba.tokenizers.Tokenizer;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.speech.SpeechUnitsTrainer;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;
import org.mixtureofmamba.tokenizers.text.PreTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "train",
        description = {
            "Trains one tokenizer on files and on all fitting files of directories.",
            "Images: a model by name, vq-64, vq-256, vq-512 (codes) or kl-64, kl-256 (continuous latents). That takes long; broken off, the "
                    + "same command goes on from FILE.checkpoint."
        })
final class TokenizerTrain implements Runnable {
    private static final int TEXT_SIZE = 32_768;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "text|image|speech")
    private Modality modality;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE")
    private List<Path> files;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description = "The tokenizer; for text a tokenizer.json.")
    private Path out;

    @Option(
            names = "--size",
            paramLabel = "N",
            description =
                    "Ids of the tokenizer; without it 32,768 for text, those of the model for images, 500 for speech.")
    private Optional<Integer> size = Optional.empty();

    @Option(
            names = "--model",
            paramLabel = "NAME",
            defaultValue = "vq-64",
            description = "Images: which model (${DEFAULT-VALUE}).")
    private String model;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Images: steps of the optimizer; without it those of the model.")
    private Optional<Integer> steps = Optional.empty();

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "Images: how many a step sees; without it as the model's.")
    private Optional<Integer> batch = Optional.empty();

    @Option(names = "--json", description = "Print one JSON object: what was trained on what.")
    private boolean json;

    @Option(names = "--seed", description = "Of everything drawn, for images and speech.", defaultValue = "0")
    private long seed;

    @Option(
            names = "--pre-tokenizer",
            paramLabel = "NAME",
            defaultValue = "gpt2",
            description = "How text is cut before merging: gpt2 or llama3 (${DEFAULT-VALUE}).")
    private String preTokenizer;

    @Option(
            names = "--special",
            paramLabel = "TOKEN",
            description = "Text: a token matched as it stands, as <|endoftext|>; may be repeated.")
    private List<String> special = List.of();

    @Option(
            names = "--reserved",
            paramLabel = "N",
            defaultValue = "0",
            description = "Text: ids kept free for later, as <|reserved_0|> and so on.")
    private int reserved;

    @Option(
            names = "--min-frequency",
            paramLabel = "N",
            defaultValue = "2",
            description = "Text: least count of a pair worth a merge (${DEFAULT-VALUE}).")
    private int minFrequency;

    @Override
    public void run() {
        var input = InputFiles.of(files, modality, spec.commandLine().getErr());
        var result = new LinkedHashMap<String, Object>();
        result.put("file", out.toString());
        switch (modality) {
            case TEXT -> result.putAll(train(steps -> textTrainer().train(readable(input), steps)));
            case IMAGE -> trainImages(input, result);
            case SPEECH -> result.putAll(train(steps -> speechTrainer().train(media(input, AudioFiles::read), steps)));
        }
        result.put("files", input.files().size() - input.bad());
        result.put("bad", input.bad());
        if (json) {
            spec.commandLine().getOut().println(JsonMapper.shared().writeValueAsString(result));
        }
        if (Files.exists(out)) {
            spec.commandLine()
                    .getErr()
                    .println("mom: wrote %s, trained on %d files"
                                    .formatted(out, input.files().size() - input.bad())
                            + (input.bad() > 0 ? ", %d bad ones passed over".formatted(input.bad()) : ""));
        }
    }

    /** Trains into the file; returns how many steps of each kind there were. */
    private Map<String, Long> train(Function<StepListener, Tokenizer> training) {
        try (var progress = new StepProgress(spec.commandLine().getErr())) {
            training.apply(progress).save(out);
            return progress.steps();
        }
    }

    private void trainImages(InputFiles input, Map<String, Object> result) {
        var run = new ImageModelRun(imageTrainer(), out, spec.commandLine().getErr());
        result.put("model", model);
        result.put("steps", run.train(media(input, ImageFiles::read)));
        result.put("reconstruction", run.reconstruction());
    }

    private static Iterable<Path> readable(InputFiles input) {
        return media(input, file -> {
            if (!Files.isReadable(file)) {
                throw new UserException("cannot read %s; check the path and its permissions".formatted(file));
            }
            return file;
        })::iterator;
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
        return BpeTrainer.of(size.orElse(TEXT_SIZE))
                .with(PreTokenizer.named(preTokenizer))
                .withSpecialTokens(tokens)
                .withMinFrequency(minFrequency);
    }

    private ImageModelTrainer imageTrainer() {
        var named = ImageModel.named(model).trainer(seed);
        var recipe = steps.map(named.recipe()::withSteps).orElse(named.recipe());
        var trainer = named.with(batch.map(recipe::withBatch).orElse(recipe));
        return size.isEmpty()
                ? trainer
                : switch (trainer) {
                    case ConvolutionalQuantizerTrainer quantizer -> quantizer.withCodes(size.get());
                    case KlAutoencoderTrainer _ ->
                        throw new UserException("%s has no codes; leave out --size".formatted(model));
                };
    }

    private SpeechUnitsTrainer speechTrainer() {
        var standard = SpeechUnitsTrainer.standard(seed);
        return size.map(standard::withUnits).orElse(standard);
    }
}
