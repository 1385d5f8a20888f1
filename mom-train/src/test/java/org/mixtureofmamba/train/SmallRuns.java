package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Runs of a model of a few thousand numbers on {@link SyntheticData}, below a directory. */
record SmallRuns(Path directory) {
    static final int BATCH = 2;
    static final int LENGTH = 24;

    RunConfig config(String name, String... overrides) {
        var all = new ArrayList<>(List.of(
                "run=" + directory.resolve(name),
                "backend.name=cpu",
                "backend.threads=1",
                "model.scale=16x1",
                "model.d_state=4",
                "data.batch=" + BATCH,
                "data.length=" + LENGTH,
                "optimizer.lr=0.01",
                "optimizer.min_lr=0.001",
                "optimizer.warmup=3",
                "eval.every=200",
                "eval.tokens=1"));
        all.addAll(List.of(overrides));
        return new ConfigReader().of(all);
    }

    /** What a run tells and how it is asked to stop: after a step. */
    static final class Told implements TrainingListener {
        final List<String> notes = new ArrayList<>();
        private final AtomicLong done = new AtomicLong();

        @Override
        public void noted(String note) {
            notes.add(note);
        }

        @Override
        public void stepped(StepMetrics metrics) {
            done.set(metrics.step());
        }
    }

    /** Trains until a step is done, then asks to stop. */
    static Told run(RunConfig config, long until, boolean resume) {
        var told = new Told();
        training(config, told, until).train(resume);
        return told;
    }

    static Told extend(RunConfig config) {
        var told = new Told();
        training(config, told, config.steps()).extend();
        return told;
    }

    private static TrainingRun training(RunConfig config, Told told, long until) {
        return new TrainingRun(
                config,
                SyntheticData.of(BATCH, LENGTH, config.seed()),
                told,
                () -> told.done.get() >= until,
                Duration.ZERO);
    }

    /** The rows of metrics.csv without what the clock and the meters decide: wall_s, tokens_per_s, mfu, energy_j. */
    List<String> metrics(String run) throws IOException {
        return rows(run, "metrics.csv", List.of(3, 10, 11, 12));
    }

    /** Those of heldout.csv without wall_s and energy_j. */
    List<String> heldOut(String run) throws IOException {
        return rows(run, "heldout.csv", List.of(3, 4));
    }

    private List<String> rows(String run, String table, List<Integer> clock) throws IOException {
        return Files.readAllLines(directory.resolve(run).resolve(table)).stream()
                .map(line -> {
                    var cells = new ArrayList<>(List.of(line.split(",", -1)));
                    clock.forEach(column -> cells.set(column, ""));
                    return String.join(",", cells);
                })
                .toList();
    }

    byte[] bytes(String file) throws IOException {
        return Files.readAllBytes(directory.resolve(file));
    }

    /** A run's files under another name; what was there is gone. */
    void copy(String run, String name) throws IOException {
        var from = directory.resolve(run);
        var to = directory.resolve(name);
        if (Files.exists(to)) {
            try (var old = Files.walk(to)) {
                for (var path : old.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
        try (var inside = Files.walk(from)) {
            for (var path : inside.toList()) {
                Files.copy(path, to.resolve(from.relativize(path)));
            }
        }
    }
}
