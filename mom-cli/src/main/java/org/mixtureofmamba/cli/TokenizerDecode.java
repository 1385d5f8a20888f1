package org.mixtureofmamba.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "decode",
        description =
                "Turns ids back. Lines of ids from standard input become bytes on standard output (text) or each line a file (images as "
                        + "PNG, speech as WAV); with --ids and --out, files of ids become files.")
final class TokenizerDecode implements Runnable {
    private static final int MOST_IDS = 100_000_000;
    private static final long LARGEST_IDS = 1L << 30;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "text|image|speech")
    private Modality modality;

    @Parameters(
            index = "1..*",
            arity = "0..*",
            paramLabel = "FILE",
            description = "To write, one for each line of standard input; none for text.")
    private List<Path> files = List.of();

    @Option(
            names = "--ids",
            paramLabel = "FILE",
            description = "Files of ids, or directories of NAME.ids, instead of standard input.")
    private List<Path> ids = List.of();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where NAME.txt, NAME.png or NAME.wav of each NAME.ids goes.")
    private Optional<Path> out = Optional.empty();

    @Option(names = "--json", description = "With --ids: print a JSON object a file: ids, file, count.")
    private boolean json;

    @Mixin
    private TokenizerChoice choice;

    @Override
    public void run() {
        if (!ids.isEmpty() || out.isPresent()) {
            decodeFiles();
            return;
        }
        var lines = readIds();
        if (modality == Modality.TEXT) {
            decodeText(lines);
            return;
        }
        if (lines.size() != files.size()) {
            throw new UserException("%d lines of ids and %d files to write; give a file for each line"
                    .formatted(lines.size(), files.size()));
        }
        var writer = writer();
        for (int i = 0; i < files.size(); i++) {
            writer.accept(files.get(i), lines.get(i));
        }
    }

    private void decodeFiles() {
        if (ids.isEmpty() || out.isEmpty() || !files.isEmpty()) {
            throw new UserException("--ids and --out go together and name all files; give both and no other");
        }
        var input = InputFiles.of(ids, Set.of("ids"), spec.commandLine().getErr());
        var names = OutputNames.of(
                input.files(),
                switch (modality) {
                    case TEXT -> ".txt";
                    case IMAGE -> ".png";
                    case SPEECH -> ".wav";
                });
        var writer = writer();
        input.each(file -> {
            var target = out.get().resolve(names.of(file));
            int[] decoded = readIds(file);
            writer.accept(target, decoded);
            if (json) {
                var result = new LinkedHashMap<String, Object>();
                result.put("ids", file.toString());
                result.put("file", target.toString());
                result.put("count", decoded.length);
                spec.commandLine().getOut().println(JsonMapper.shared().writeValueAsString(result));
            }
        });
        input.finish();
    }

    private BiConsumer<Path, int[]> writer() {
        return switch (modality) {
            case TEXT -> {
                var text = choice.text();
                yield (file, line) -> {
                    byte[] bytes = text.decode(line);
                    AtomicFiles.write(file, target -> target.write(bytes));
                };
            }
            case IMAGE -> {
                var image = choice.image();
                yield (file, line) -> ImageFiles.write(file, image.decode(line));
            }
            case SPEECH -> {
                var speech = choice.speech();
                yield (file, line) -> AudioFiles.write(file, speech.decode(line));
            }
        };
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
            return in.lines()
                    .filter(line -> !line.isBlank())
                    .map(line -> ids(line, "standard input"))
                    .toList();
        } catch (IOException e) {
            throw new FailureException("cannot read standard input: " + e.getMessage(), e);
        }
    }

    private static int[] readIds(Path file) {
        try {
            if (Files.size(file) > LARGEST_IDS) {
                throw new UserException("%s is larger than 1 GiB; split it".formatted(file));
            }
            return ids(Files.readString(file, StandardCharsets.ISO_8859_1), file.toString());
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }

    private static int[] ids(String line, String source) {
        try {
            return line.isBlank()
                    ? new int[0]
                    : Stream.of(line.strip().split("\\s+"))
                            .limit(MOST_IDS)
                            .mapToInt(Integer::parseInt)
                            .toArray();
        } catch (NumberFormatException e) {
            throw new UserException("%s is no list of ids: %s".formatted(source, e.getMessage()), e);
        }
    }
}
