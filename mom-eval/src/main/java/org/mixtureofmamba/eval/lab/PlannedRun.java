package org.mixtureofmamba.eval.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.eval.Run;
import org.mixtureofmamba.train.ConfigReader;
import org.mixtureofmamba.train.RunConfig;
import org.mixtureofmamba.train.RunDirectory;

/** One run of an experiment. */
public record PlannedRun(Scale scale, Entrant entrant, long seed, RunConfig config) {
    /** Settings that may differ between the runs of an experiment: they change no figure. */
    private static final List<String> CIRCUMSTANCES = List.of("backend.device", "backend.threads", "checkpoint.");

    /** How far it has come. */
    public enum State {
        NEW,
        /** Broken off, or still being trained. */
        BEGUN,
        FINISHED
    }

    /** As {@code --only} names it: {@code mom/0}. */
    public String name() {
        return entrant.name() + "/" + seed;
    }

    /** With its scale, for people. */
    public String title() {
        return scale.key() + " " + name();
    }

    public Path directory() {
        return Path.of(config.run());
    }

    /**
     * How far the run in its directory has come.
     *
     * @throws UserException if something else is there: which, and what differs
     */
    public State state() {
        if (RunDirectory.isFree(directory())) {
            return State.NEW;
        }
        var others = differences().stream()
                .filter(difference -> CIRCUMSTANCES.stream().noneMatch(difference.key()::startsWith))
                .toList();
        if (!others.isEmpty()) {
            throw new UserException(
                    "%s holds a run of another configuration: %s; give the same settings, or another --out"
                            .formatted(
                                    directory(),
                                    others.stream()
                                            .map(ConfigReader.Difference::toString)
                                            .collect(Collectors.joining(", "))));
        }
        try {
            return Run.read(directory()).finished() ? State.FINISHED : State.BEGUN;
        } catch (UserException e) {
            return State.BEGUN; // no whole row yet
        }
    }

    /** Between the run that is there and this one. */
    List<ConfigReader.Difference> differences() {
        if (!Files.isRegularFile(directory().resolve("metrics.csv"))) {
            throw new UserException("%s exists and holds no run; give another --out".formatted(directory()));
        }
        return new ConfigReader().differences(RunDirectory.configOf(directory()), config);
    }
}
