package org.mixtureofmamba.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "encode",
        description =
                "Prints the ids of each file, a line a file, separated by spaces; or writes them into a directory. Of a directory all "
                        + "fitting files are taken; bad ones of several are named, passed over and counted.")
final class TokenizerEncode implements Runnable {
    private static final long LARGEST_TEXT = 1L << 30;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "text|image|speech")
    private Modality modality;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE")
    private List<Path> files;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Write NAME.ids for each file there instead of printing.")
    private Optional<Path> out = Optional.empty();

    @Option(names = "--json", description = "Print a JSON object a file: file, ids, count.")
    private boolean json;

    @Mixin
    private TokenizerChoice choice;

    @Override
    public void run() {
        var input = InputFiles.of(files, modality, spec.commandLine().getErr());
        var names = OutputNames.of(input.files(), ".ids");
        var encoder = encoder();
        input.each(file -> {
            int[] ids = encoder.apply(file);
            String line = Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
            out.ifPresent(directory -> AtomicFiles.writeString(directory.resolve(names.of(file)), line + "\n"));
            if (json) {
                var result = new LinkedHashMap<String, Object>();
                result.put("file", file.toString());
                result.put("count", ids.length);
                result.put("ids", ids);
                spec.commandLine().getOut().println(JsonMapper.shared().writeValueAsString(result));
            } else if (out.isEmpty()) {
                spec.commandLine().getOut().println(line);
            }
        });
        input.finish();
    }

    private Function<Path, int[]> encoder() {
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
                yield file -> units(speech, file);
            }
        };
    }

    /** A block at a time, so that an hour takes no more memory than a second. */
    static int[] units(SpeechTokenizer speech, Path file) {
        try (var sound = AudioStream.open(file)) {
            var encoder = speech.encoder();
            var units = IntStream.builder();
            for (float[] block; (block = sound.next()).length > 0; ) {
                Arrays.stream(encoder.add(block)).forEach(units);
            }
            Arrays.stream(encoder.finish()).forEach(units);
            return units.build().toArray();
        }
    }

    static byte[] read(Path file) {
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
