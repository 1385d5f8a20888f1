package org.mixtureofmamba.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.model.Optimizer;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.data.loader.LoaderState;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The saved states of a run, each a directory {@code step-N} that appears whole: written beside, flushed, renamed.
 *
 * <pre>
 * model.safetensors      master weights under their official names
 * optimizer.safetensors  first_moment.NAME and second_moment.NAME
 * tokenizers.json        the manifest of the tokenizers: kind and hash of each
 * trainer.json           {@link TrainerState}, sealed with a digest of itself, see {@link SealedJson}
 * </pre>
 */
public final class Checkpoints {
    private static final Pattern NAME = Pattern.compile("step-(\\d{1,18})");
    private static final String MODEL = "model.safetensors";
    private static final String OPTIMIZER = "optimizer.safetensors";
    private static final String TOKENIZERS = "tokenizers.json";
    private static final List<String> FILES = List.of(MODEL, OPTIMIZER, TOKENIZERS);
    private static final String TRAINER = "trainer.json";
    private static final long LARGEST_JSON = 64 << 20;
    /** Of trainer.json; 1 had neither a digest of itself nor the lengths of the tables. */
    private static final int FORMAT = 2;

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .build();

    private final Path directory;
    private final int keep;
    private final String fingerprint;
    private final Optional<String> tokenizers;

    /**
     * @param keep how many of the newest stay
     * @param fingerprint of tokenizers and corpus
     * @param tokenizers their manifest, where it is known
     */
    Checkpoints(Path directory, int keep, String fingerprint, Optional<String> tokenizers) {
        this.tokenizers = tokenizers;
        this.directory = directory;
        this.keep = keep;
        this.fingerprint = fingerprint;
    }

    /** Saves a run and drops the oldest states beyond those kept. */
    Path save(
            Backend backend,
            Parameters parameters,
            Optimizer optimizer,
            Trainer.Progress progress,
            Optional<LoaderState> loader,
            Map<String, LogMark> logs) {
        var target = directory.resolve("step-" + progress.step());
        var beside = directory.resolve(
                ".step-" + progress.step() + ".part-" + ProcessHandle.current().pid());
        try {
            delete(beside);
            Files.createDirectories(beside);
            var files = new ParameterFiles(backend, parameters);
            files.write(beside.resolve(MODEL), Map.of("", parameters.master()));
            files.write(
                    beside.resolve(OPTIMIZER),
                    Map.of("first_moment.", optimizer.firstMoment(), "second_moment.", optimizer.secondMoment()));
            tokenizers.ifPresent(manifest -> AtomicFiles.writeString(beside.resolve(TOKENIZERS), manifest));
            var hashes = new LinkedHashMap<String, String>();
            for (var name : FILES) {
                if (Files.exists(beside.resolve(name))) {
                    hashes.put(name, Sha256.of(beside.resolve(name)));
                }
            }
            var state = new TrainerState(progress.step(), progress.spent(), loader, fingerprint, logs, hashes);
            var sealed = SealedJson.seal(FORMAT, JSON.writeValueAsString(state));
            AtomicFiles.write(beside.resolve(TRAINER), out -> out.write(sealed));
            flush(beside);
            delete(target);
            Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
            flush(directory);
            dropOldest();
            return target;
        } catch (FailureException e) {
            removeLeftovers();
            throw e;
        } catch (IOException e) {
            removeLeftovers();
            throw new FailureException(
                    "cannot write %s: %s; the checkpoint before it is intact: free space, then --resume"
                            .formatted(target, e.getMessage()),
                    e);
        }
    }

    /**
     * Loads the newest state, having made sure that it is whole.
     *
     * @return where the run stood; empty if nothing is saved
     * @throws UserException if the state is damaged or of another model or other data
     */
    Optional<TrainerState> loadNewest(Backend backend, Parameters parameters, Optimizer optimizer, BatchSource source) {
        removeLeftovers();
        var newest = newest(directory);
        if (newest.isEmpty()) {
            return Optional.empty();
        }
        var checkpoint = newest.get();
        var state = readState(checkpoint);
        verify(checkpoint, state);
        requireData(checkpoint, state);
        var files = new ParameterFiles(backend, parameters);
        files.read(checkpoint.resolve(MODEL), Map.of("", parameters.master()));
        parameters.refreshWorkingCopy();
        files.read(
                checkpoint.resolve(OPTIMIZER),
                Map.of("first_moment.", optimizer.firstMoment(), "second_moment.", optimizer.secondMoment()));
        state.loader().ifPresent(source::resume);
        return Optional.of(state);
    }

    /**
     * Loads the weights of the newest state.
     *
     * @return its step
     * @throws UserException if there is none, or as {@link #loadNewest}
     */
    long loadWeights(Backend backend, Parameters parameters) {
        var checkpoint = newest(directory)
                .orElseThrow(() -> new UserException("%s has no checkpoint; train first".formatted(directory)));
        var state = readState(checkpoint);
        verify(checkpoint, state);
        requireData(checkpoint, state);
        new ParameterFiles(backend, parameters).read(checkpoint.resolve(MODEL), Map.of("", parameters.master()));
        parameters.refreshWorkingCopy();
        return state.step();
    }

    /**
     * The file of the weights of a run's newest state, having made sure that it is whole.
     *
     * @throws UserException if there is none or it is damaged
     */
    static Path newestWeights(Path directory) {
        var checkpoint = newest(directory)
                .orElseThrow(() -> new UserException("%s has no checkpoint; train first".formatted(directory)));
        verify(checkpoint, readState(checkpoint));
        return checkpoint.resolve(MODEL);
    }

    /** The directory of the highest step. */
    private static Optional<Path> newest(Path directory) {
        return all(directory).stream().max(Comparator.comparingLong(Checkpoints::stepOf));
    }

    private static List<Path> all(Path directory) {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (var inside = Files.list(directory)) {
            return inside.filter(
                            path -> NAME.matcher(path.getFileName().toString()).matches())
                    .toList();
        } catch (IOException e) {
            throw new UserException("cannot list %s: %s".formatted(directory, e.getMessage()), e);
        }
    }

    private static long stepOf(Path checkpoint) {
        return Long.parseLong(checkpoint.getFileName().toString().substring("step-".length()));
    }

    /** What a killed process was writing or deleting when it died. */
    private void removeLeftovers() {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (var inside = Files.list(directory)) {
            for (var left : inside.filter(path -> path.getFileName().toString().startsWith(".step-"))
                    .toList()) {
                delete(left);
            }
        } catch (IOException e) {
            throw new FailureException("cannot tidy %s: %s".formatted(directory, e.getMessage()), e);
        }
    }

    private void dropOldest() throws IOException {
        var oldestFirst = all(directory).stream()
                .sorted(Comparator.comparingLong(Checkpoints::stepOf))
                .toList();
        for (var old : oldestFirst.subList(0, Math.max(0, oldestFirst.size() - keep))) {
            // Renamed first: a state half deleted must not look like one.
            var going = old.resolveSibling("." + old.getFileName() + ".old");
            delete(going);
            Files.move(old, going, StandardCopyOption.ATOMIC_MOVE);
            delete(going);
        }
    }

    private static TrainerState readState(Path checkpoint) {
        try {
            var json = SealedJson.open(FORMAT, checkpoint.resolve(TRAINER), LARGEST_JSON);
            var state = JSON.readValue(json, TrainerState.class);
            if (state.step() != stepOf(checkpoint)) {
                throw damaged(checkpoint, TRAINER + " is of step " + state.step(), null);
            }
            return state;
        } catch (SealedJson.BrokenSeal e) {
            throw new UserException(
                    ("%s cannot be resumed: %s: %s; remove it to go on from the one before, or begin a new run with its weights, "
                                    + "init=%s")
                            .formatted(checkpoint, TRAINER, e.getMessage(), checkpoint.resolve(MODEL)),
                    e);
        } catch (IOException e) {
            throw damaged(checkpoint, "cannot read " + TRAINER, e);
        } catch (JacksonException e) {
            throw damaged(checkpoint, TRAINER + " is not what a run writes: " + e.getOriginalMessage(), e);
        }
    }

    private void requireData(Path checkpoint, TrainerState state) {
        requireTokenizers(checkpoint, state);
        if (!state.data().equals(fingerprint)) {
            throw new UserException(
                    "%s was made with other tokenizers or other data (%s) than these (%s); give data.source what it was trained on"
                            .formatted(checkpoint, state.data(), fingerprint));
        }
    }

    private void requireTokenizers(Path checkpoint, TrainerState state) {
        if (tokenizers.isEmpty() || !state.sha256().containsKey(TOKENIZERS)) {
            return;
        }
        try {
            var differences =
                    TokenizerSet.differences(Files.readString(checkpoint.resolve(TOKENIZERS)), tokenizers.get());
            if (!differences.isEmpty()) {
                throw new UserException(
                        "%s was made with another tokenizer of %s than this data; give data.source what it was trained on"
                                .formatted(checkpoint, String.join(" and ", differences)));
            }
        } catch (IOException e) {
            throw damaged(checkpoint, "cannot read " + TOKENIZERS, e);
        }
    }

    /** All files that the state names; without the tokenizers where they were not known. */
    private static void verify(Path checkpoint, TrainerState state) {
        for (var name : FILES) {
            var expected = state.sha256().get(name);
            if (expected == null && name.equals(TOKENIZERS)) {
                continue;
            }
            try {
                if (!Sha256.of(checkpoint.resolve(name)).equals(expected)) {
                    throw damaged(checkpoint, name + " is not what was written", null);
                }
            } catch (IOException e) {
                throw damaged(checkpoint, "cannot read " + name, e);
            }
        }
    }

    private static UserException damaged(Path checkpoint, String what, Exception cause) {
        return new UserException(
                "%s is damaged: %s; remove it to go on from the one before".formatted(checkpoint, what), cause);
    }

    /** Waits until the names in a directory are on disk. */
    private static void flush(Path directory) throws IOException {
        try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (var inside = Files.walk(directory)) {
            inside.sorted(Comparator.reverseOrder()).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
