package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

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
 * metrics.csv          a row for each step
 * heldout.csv          a row for each modality and held-out evaluation
 * drawn.json           what was drawn from each part of the corpus, once the run ends or is stopped
 * checkpoints/step-N/  see {@link Checkpoint}
 * </pre>
 */
public final class RunDirectory implements AutoCloseable {
    private static final String METRICS_FILE = "metrics.csv";
    private static final Set<String> BEFORE_FIRST_STEP = Set.of(".lock", "config.yaml", "environment.json");
    private static final List<String> METRICS = List.of(
            "step",
            "tokens",
            "flops",
            "wall_s",
            "loss",
            "loss_text",
            "loss_image",
            "loss_speech",
            "lr",
            "grad_norm",
            "tokens_per_s",
            "mfu",
            "energy_j");
    private static final List<String> HELD_OUT = List.of("step", "modality", "loss", "tokens");

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .build();

    private final Path root;
    private final FileChannel lockFile;
    private final FileLock lock;

    private RunDirectory(Path root, FileChannel lockFile, FileLock lock) {
        this.root = root;
        this.lockFile = lockFile;
        this.lock = lock;
    }

    /**
     * Opens the directory of a run to write to it: a new one, or with {@code resume} one that holds the same run.
     *
     * @throws UserException if there is a run already and it is not to be resumed or has another configuration
     */
    static RunDirectory open(RunConfig config, boolean resume) {
        var root = Path.of(config.run());
        var configFile = root.resolve("config.yaml");
        try {
            if (Files.exists(root.resolve(METRICS_FILE))) {
                requireSameRun(config, resume, configFile);
            } else if (Files.exists(root) && !neverBegan(root)) {
                throw new UserException("%s exists and holds no run; give another directory, run=DIR".formatted(root));
            }
            Files.createDirectories(root);
            var channel = FileChannel.open(root.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            var lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw new UserException("%s is being written to by another process; wait for it or give another run=DIR"
                        .formatted(root));
            }
            if (!Files.exists(root.resolve(METRICS_FILE))) {
                new ConfigReader().write(config, configFile);
            }
            return new RunDirectory(root, channel, lock);
        } catch (IOException e) {
            throw new FailureException("cannot write to %s: %s; give another run=DIR".formatted(root, e), e);
        }
    }

    private static void requireSameRun(RunConfig config, boolean resume, Path configFile) {
        if (!resume) {
            throw new UserException("%s holds a run already; continue it with --resume or give another run=DIR"
                    .formatted(configFile.getParent()));
        }
        var reader = new ConfigReader();
        var before = reader.read(configFile, List.of());
        var differences = reader.differences(reader.with(before, List.of("run=" + config.run())), config);
        if (!differences.isEmpty()) {
            throw new UserException("%s holds a run of another configuration: %s; give another run=DIR"
                    .formatted(configFile.getParent(), String.join(", ", differences)));
        }
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
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
        var file = root.resolve("config.yaml");
        if (!Files.isRegularFile(file)) {
            throw new UserException("%s holds no run: it has no config.yaml".formatted(root));
        }
        var reader = new ConfigReader();
        return reader.with(reader.read(file, List.of()), List.of("run=" + root));
    }

    /** {@code metrics.csv} without rows after a step. */
    StepLog metrics(long lastStep) {
        return StepLog.open(root.resolve(METRICS_FILE), METRICS, lastStep);
    }

    /** {@code heldout.csv} without rows after a step. */
    StepLog heldOut(long lastStep) {
        return StepLog.open(root.resolve("heldout.csv"), HELD_OUT, lastStep);
    }

    Path environment() {
        return root.resolve("environment.json");
    }

    Path checkpoints() {
        return root.resolve("checkpoints");
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
