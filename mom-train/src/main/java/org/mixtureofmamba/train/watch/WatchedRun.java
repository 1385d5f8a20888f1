package org.mixtureofmamba.train.watch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.train.RunConfig;
import org.mixtureofmamba.train.RunDirectory;

/** One run as it is followed: each look reads what has been added to its files since the one before. */
final class WatchedRun {
    private static final int MOST_POINTS = 1000;
    /** Steps whose time is taken for that of those to come. */
    private static final int RECENT_STEPS = 50;
    /** A run that has written nothing for as long, and for as long as many steps, is not taken for running. */
    private static final Duration QUIET = Duration.ofMinutes(1);

    private static final int QUIET_STEPS = 20;
    private static final String LOSS = "loss";

    private final Path directory;
    private final Clock clock;
    private final FollowedTable metrics;
    private final FollowedTable heldOut;
    private final Curves training = new Curves();
    private final Curves evaluated = new Curves();
    private final Deque<Double> recentWall = new ArrayDeque<>();
    private Map<String, Double> last = Map.of();
    private FileTime configRead = FileTime.fromMillis(0);
    private Optional<RunConfig> config = Optional.empty();

    WatchedRun(Path directory, Clock clock) {
        this.directory = directory;
        this.clock = clock;
        this.metrics = new FollowedTable(directory.resolve("metrics.csv"));
        this.heldOut = new FollowedTable(directory.resolve("heldout.csv"));
    }

    /** How a run stands. */
    enum State {
        /** No step is done. */
        WAITING,
        RUNNING,
        /** Steps are left, and nothing has been written for a while: it was stopped, or it hangs. */
        QUIET,
        FINISHED
    }

    /**
     * What the page shows of a run.
     *
     * @param model in words; empty where the configuration cannot be read
     * @param steps of the whole run
     * @param etaSeconds until the last step, by the time of the steps of late; evaluations and checkpoints come on top
     * @param loss of the last step by column, {@code loss} and one for each modality
     * @param heldOut of the last evaluation likewise
     * @param curves training losses by column, each point step and loss
     * @param heldOutCurves held-out losses likewise
     */
    record Look(
            String name,
            String model,
            State state,
            long step,
            OptionalLong steps,
            OptionalDouble etaSeconds,
            OptionalDouble tokensPerSecond,
            Map<String, Double> loss,
            Map<String, Double> heldOut,
            Map<String, List<List<Double>>> curves,
            Map<String, List<List<Double>>> heldOutCurves) {}

    /** The losses of a table. */
    private static final class Curves implements FollowedTable.Reader {
        private final Map<String, Curve> byColumn = new LinkedHashMap<>();
        private final Map<String, Double> last = new LinkedHashMap<>();

        @Override
        public void startAgain() {
            byColumn.clear();
            last.clear();
        }

        @Override
        public void row(Map<String, Double> cells) {
            cells.forEach((column, value) -> {
                if ((column.equals(LOSS) || column.startsWith(LOSS + "_")) && Double.isFinite(value)) {
                    byColumn.computeIfAbsent(column, _ -> new Curve(MOST_POINTS))
                            .add(cells.get("step"), value);
                    last.put(column, value);
                }
            });
        }

        Map<String, List<List<Double>>> points() {
            var points = new LinkedHashMap<String, List<List<Double>>>();
            byColumn.forEach((column, curve) -> points.put(column, curve.points()));
            return points;
        }
    }

    Look look() throws IOException {
        metrics.look(new FollowedTable.Reader() {
            @Override
            public void startAgain() {
                training.startAgain();
                recentWall.clear();
                last = Map.of();
            }

            @Override
            public void row(Map<String, Double> cells) {
                training.row(cells);
                last = cells;
                recentWall.addLast(cells.getOrDefault("wall_s", Double.NaN));
                if (recentWall.size() > RECENT_STEPS + 1) {
                    recentWall.removeFirst();
                }
            }
        });
        heldOut.look(evaluated);
        readConfig();
        long step = last.getOrDefault("step", 0.0).longValue();
        var steps = config.map(c -> OptionalLong.of(c.steps())).orElse(OptionalLong.empty());
        var seconds = secondsPerStep();
        var state = state(step, steps, seconds);
        var speed = last.get("tokens_per_s");
        return new Look(
                directory.toString(),
                config.map(c -> "%s %s"
                                .formatted(
                                        RunConfig.key(c.model().kind()),
                                        c.model().scale()))
                        .orElse(""),
                state,
                step,
                steps,
                state == State.RUNNING && steps.isPresent() && seconds.isPresent()
                        ? OptionalDouble.of((steps.getAsLong() - step) * seconds.getAsDouble())
                        : OptionalDouble.empty(),
                speed == null ? OptionalDouble.empty() : OptionalDouble.of(speed),
                new LinkedHashMap<>(training.last),
                new LinkedHashMap<>(evaluated.last),
                training.points(),
                evaluated.points());
    }

    private void readConfig() throws IOException {
        var file = directory.resolve("config.yaml");
        if (!Files.exists(file)) {
            return;
        }
        var modified = Files.getLastModifiedTime(file);
        if (!modified.equals(configRead)) {
            configRead = modified;
            try {
                config = Optional.of(RunDirectory.configOf(directory));
            } catch (MomException e) {
                config = Optional.empty(); // of another version: its curves can be shown all the same
            }
        }
    }

    /** The median of the steps of late: an evaluation or other work beside one does not move it. */
    private OptionalDouble secondsPerStep() {
        var wall = recentWall.stream().mapToDouble(Double::doubleValue).toArray();
        var steps = new double[Math.max(0, wall.length - 1)];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = wall[i + 1] - wall[i];
        }
        Arrays.sort(steps);
        return steps.length == 0 || !Double.isFinite(steps[steps.length / 2])
                ? OptionalDouble.empty()
                : OptionalDouble.of(steps[steps.length / 2]);
    }

    private State state(long step, OptionalLong steps, OptionalDouble seconds) throws IOException {
        if (step == 0) {
            return State.WAITING;
        }
        if (steps.isPresent() && step >= steps.getAsLong()) {
            return State.FINISHED;
        }
        var written =
                Files.getLastModifiedTime(directory.resolve("metrics.csv")).toInstant();
        double quiet = Math.max(QUIET.toSeconds(), QUIET_STEPS * seconds.orElse(0));
        return Duration.between(written, clock.instant()).toMillis() * 1e-3 > quiet ? State.QUIET : State.RUNNING;
    }
}
