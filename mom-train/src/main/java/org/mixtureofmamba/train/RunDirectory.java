package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.loader.Drawn;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a run keeps what it is and what it did; one process writes to it at a time.
 *
 * <pre>
 * config.yaml          every setting, resolved
 * environment.json     commit, JDK, machine, device, libraries
 * metrics.csv          a row for each step, see {@link Table}
 * heldout.csv          a row for each held-out evaluation
 * events.out.tfevents* the same for TensorBoard, a file for each part of the run
 * history.jsonl        see {@link RunHistory}; only where there is something to tell
 * observations.json    what the blocks saw of the last held-out evaluation, as tokens by expert and modality
 * drawn.json           what was drawn from each part of the corpus, once the run ends or is stopped
 * checkpoints/step-N/  see {@link Checkpoints}
 * </pre>
 */
public final class RunDirectory implements AutoCloseable {
    static final String CHECKPOINTS = "checkpoints";
    private static final String CONFIG = "config.yaml";
    private static final String LOCK = ".lock";
    private static final Set<String> BEFORE_FIRST_STEP = Set.of(LOCK, CONFIG, "environment.json", RunHistory.FILE);
    /** What a run may change in its course, apart from the whole sections. */
    private static final Set<String> EXTENDABLE = Set.of("steps", "eval.every");

    private static final List<String> EXTENDABLE_SECTIONS = List.of("optimizer.", "backend.", "checkpoint.");
    /** Of an extendable section, but which batch a step gets hangs on it. */
    private static final String ACCUMULATION = "optimizer.accumulation";

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .build();

    /** Which run may be in the directory already. */
    enum Entry {
        /** None. */
        NEW,
        /** The same. */
        RESUME,
        /** The same, but for settings that a run may change in its course. */
        EXTEND
    }

    private final Path root;
    private final RunConfig config;
    private final List<ConfigReader.Difference> differences;
    private final FileChannel lockFile;
    private final FileLock lock;

    private RunDirectory(
            Path root,
            RunConfig config,
            List<ConfigReader.Difference> differences,
            FileChannel lockFile,
            FileLock lock) {
        this.root = root;
        this.config = config;
        this.differences = List.copyOf(differences);
        this.lockFile = lockFile;
        this.lock = lock;
    }

    /**
     * Opens the directory of a run to write to it.
     *
     * @throws UserException if there is a run already that {@code entry} does not allow
     */
    static RunDirectory open(RunConfig config, Entry entry) {
        var root = Path.of(config.run());
        try {
            var differences = List.<ConfigReader.Difference>of();
            if (Files.exists(root.resolve(Table.METRICS.file()))) {
                differences = differences(config, entry, root);
            } else if (Files.exists(root) && !neverBegan(root)) {
                throw new UserException("%s exists and holds no run; give another directory, run=DIR".formatted(root));
            }
            Files.createDirectories(root);
            var channel = FileChannel.open(root.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            var lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw new UserException("%s is being written to by another process; wait for it or give another run=DIR"
                        .formatted(root));
            }
            if (!Files.exists(root.resolve(Table.METRICS.file()))) {
                Files.deleteIfExists(root.resolve(RunHistory.FILE));
                new ConfigReader().write(config, root.resolve(CONFIG));
            }
            return new RunDirectory(root, config, differences, channel, lock);
        } catch (IOException e) {
            throw new FailureException("cannot write to %s: %s; give another run=DIR".formatted(root, e), e);
        }
    }

    /** How the run that is in a directory differs from a configuration. */
    private static List<ConfigReader.Difference> differences(RunConfig config, Entry entry, Path root) {
        if (entry == Entry.NEW) {
            throw new UserException(
                    "%s holds a run already; continue it with --resume or give another run=DIR".formatted(root));
        }
        var reader = new ConfigReader();
        var before = reader.read(root.resolve(CONFIG), List.of());
        var differences = reader.differences(reader.with(before, List.of("run=" + config.run())), config);
        var firm = differences.stream()
                .filter(difference -> !extendable(difference.key()))
                .toList();
        var refused = entry == Entry.EXTEND ? firm : differences;
        if (!refused.isEmpty()) {
            throw new UserException("%s holds a run of another configuration: %s; %s"
                    .formatted(
                            root,
                            refused.stream().map(Object::toString).collect(Collectors.joining(", ")),
                            firm.isEmpty()
                                    ? "go on with it so changed by --extend, or give another run=DIR"
                                    : "give another run=DIR"));
        }
        return differences;
    }

    private static boolean extendable(String key) {
        return EXTENDABLE.contains(key)
                || EXTENDABLE_SECTIONS.stream().anyMatch(key::startsWith) && !key.equals(ACCUMULATION);
    }

    /**
     * From here on the directory's configuration is the one it was opened with; what changed is recorded.
     *
     * @param step steps done before the change
     */
    void takeOver(long step) {
        if (!differences.isEmpty()) {
            history().extended(step, differences);
            new ConfigReader().write(config, root.resolve(CONFIG));
        }
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    /** Whether a new run may begin in a directory: it is not there, or a run failed in it before its first step. */
    public static boolean isFree(Path root) {
        try {
            return !Files.exists(root)
                    || !Files.exists(root.resolve(Table.METRICS.file())) && Files.isDirectory(root) && neverBegan(root);
        } catch (IOException e) {
            throw new UserException("cannot list %s: %s".formatted(root, e.getMessage()), e);
        }
    }

    /** Whether a process is writing to the run in a directory. */
    public static boolean isBusy(Path root) {
        var file = root.resolve(LOCK);
        if (!Files.exists(file)) {
            return false;
        }
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE);
                var lock = tryLock(channel)) {
            return lock == null;
        } catch (IOException e) {
            throw new UserException("cannot lock %s: %s".formatted(file, e.getMessage()), e);
        }
    }

    /** Whether a directory holds no more than a run leaves that failed before its first step. */
    private static boolean neverBegan(Path directory) throws IOException {
        try (var inside = Files.list(directory)) {
            return inside.map(file -> file.getFileName().toString()).allMatch(BEFORE_FIRST_STEP::contains);
        }
    }

    /** The configuration of the run in a directory. */
    public static RunConfig configOf(Path root) {
        var file = root.resolve(CONFIG);
        if (!Files.isRegularFile(file)) {
            throw new UserException("%s holds no run: it has no config.yaml".formatted(root));
        }
        var reader = new ConfigReader();
        return reader.with(reader.read(file, List.of()), List.of("run=" + root));
    }

    RunLog log(Optional<TrainerState> saved) {
        return RunLog.open(root, saved);
    }

    RunHistory history() {
        return new RunHistory(root.resolve(RunHistory.FILE));
    }

    Path environment() {
        return root.resolve("environment.json");
    }

    Path checkpoints() {
        return root.resolve(CHECKPOINTS);
    }

    /** What a model's blocks saw of the last held-out evaluation. */
    void write(Map<String, Double> observations) {
        AtomicFiles.writeString(root.resolve("observations.json"), JSON.writeValueAsString(observations) + "\n");
    }

    void write(Drawn drawn) {
        AtomicFiles.writeString(root.resolve("drawn.json"), JSON.writeValueAsString(drawn) + "\n");
    }

    public Path root() {
        return root;
    }

    @Override
    public void close() {
        try {
            lock.release();
            lockFile.close();
        } catch (IOException e) {
            throw new FailureException("cannot unlock %s: %s".formatted(root, e.getMessage()), e);
        }
    }
}
