package org.mixtureofmamba.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.nn.Losses;
import org.mixtureofmamba.data.loader.Drawn;
import org.mixtureofmamba.train.RunConfig;
import org.mixtureofmamba.train.StepMetrics;
import org.mixtureofmamba.train.TrainingListener;

/**
 * Shows on stderr how a run goes: on a terminal a bar with the time left, the loss of each modality and the speed,
 * elsewhere a line each tenth of the way. Keeps the last figures for a summary.
 */
final class TrainingProgress implements TrainingListener, AutoCloseable {
    private static final int WIDTH = 118;
    private static final int LINES = 10;

    private final String title;
    private final PrintStream err;
    private long steps;
    private Optional<ProgressBar> bar = Optional.empty();
    private Optional<StepMetrics> last = Optional.empty();
    private Optional<Losses> heldOut = Optional.empty();
    private Optional<Drawn> drawn = Optional.empty();

    TrainingProgress(String title, PrintStream err) {
        this.title = title;
        this.err = err;
    }

    @Override
    public void started(RunConfig config, long doneSteps, long parameters) {
        steps = config.steps();
        err.println(String.format(
                Locale.ROOT,
                "%s: %s %s, %,d parameters, %,d steps of %,d tokens, %s backend%s",
                title,
                config.model().kind().name().toLowerCase(Locale.ROOT),
                config.model().scale(),
                parameters,
                steps,
                config.tokensPerStep(),
                config.backend().name(),
                doneSteps > 0 ? ", going on after step " + doneSteps : ""));
        if (Boolean.getBoolean("mom.terminal")) {
            bar = Optional.of(new ProgressBarBuilder()
                    .setTaskName(title)
                    .setInitialMax(steps)
                    .startsFrom(doneSteps, java.time.Duration.ZERO)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis(500)
                    .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
                    .build());
        }
    }

    @Override
    public void noted(String note) {
        err.println(title + ": " + note);
    }

    @Override
    public void stepped(StepMetrics metrics) {
        last = Optional.of(metrics);
        var line =
                String.format(Locale.ROOT, "%s %,.0f tok/s", byModality(metrics.losses()), metrics.tokensPerSecond());
        if (metrics.skipped()) {
            err.println("%s: the gradient of step %d is no number; its update is left out"
                    .formatted(title, metrics.step()));
        }
        if (bar.isPresent()) {
            bar.get().setExtraMessage(" " + line);
            bar.get().step();
        } else if (metrics.step() % Math.max(1, steps / LINES) == 0) {
            err.println("%s: step %d of %d, %s".formatted(title, metrics.step(), steps, line));
        }
    }

    @Override
    public void evaluated(long step, Losses losses) {
        heldOut = Optional.of(losses);
    }

    /** The last step's losses and the last held-out ones, in words. */
    String summary() {
        return Stream.of(
                        last.map(m -> String.format(
                                Locale.ROOT,
                                "step %d, loss %.3f (%s)",
                                m.step(),
                                m.losses().mean(),
                                byModality(m.losses()))),
                        heldOut.map(h -> String.format(Locale.ROOT, "held out %.3f (%s)", h.mean(), byModality(h))))
                .flatMap(Optional::stream)
                .collect(Collectors.joining("; "));
    }

    static String byModality(Losses losses) {
        return Stream.of(Modality.values())
                .filter(m -> m.index() < losses.sums().size())
                .flatMap(m -> losses.mean(m.index()).stream()
                        .mapToObj(loss -> String.format(Locale.ROOT, "%s %.3f", m.key(), loss)))
                .collect(Collectors.joining(" "));
    }

    @Override
    public void finished(long step, Optional<Drawn> seen) {
        drawn = seen;
    }

    /** A line for each part: what was asked of it and what was drawn. */
    List<String> drawn() {
        return drawn.stream()
                .flatMap(seen -> seen.parts().stream())
                .map(part -> String.format(
                        Locale.ROOT,
                        "drew %s: %,d tokens, %.2f %% of %.2f %% asked; %,d documents, %.2f epochs (%s)",
                        part.part(),
                        part.tokens(),
                        100 * part.share(),
                        100 * part.weight(),
                        part.documents(),
                        part.epochs(),
                        byModality(part.modalities())))
                .toList();
    }

    private static String byModality(List<Drawn.Share> shares) {
        return shares.stream()
                .map(share -> String.format(Locale.ROOT, "%s %.1f %%", share.modality(), 100 * share.share()))
                .collect(Collectors.joining(", "));
    }

    @Override
    public void close() {
        bar.ifPresent(ProgressBar::close);
        bar = Optional.empty();
    }
}
