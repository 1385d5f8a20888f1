package org.mixtureofmamba.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.tokenizers.StepListener;

/** Shows on stderr how a training gets on, one kind of steps after another, and keeps how many of each there were. */
final class StepProgress implements StepListener, AutoCloseable {
    private final PrintWriter err;
    private final Map<String, Long> steps = new LinkedHashMap<>();
    private Optional<CountProgress> shown = Optional.empty();

    StepProgress(PrintWriter err) {
        this.err = err;
    }

    @Override
    public void stepped(String unit, long done, long most) {
        if (steps.put(unit, done) == null) {
            close();
            shown = Optional.of(new CountProgress(unit, 0, most, err));
        }
        shown.ifPresent(progress -> progress.step(""));
    }

    Map<String, Long> steps() {
        return steps;
    }

    @Override
    public void close() {
        shown.ifPresent(CountProgress::close);
    }
}
