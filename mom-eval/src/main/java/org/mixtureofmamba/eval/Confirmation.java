package org.mixtureofmamba.eval;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.eval.statistics.Series;
import org.mixtureofmamba.train.ConfigReader;
import org.mixtureofmamba.train.RunConfig;
import org.mixtureofmamba.train.RunDirectory;
import org.mixtureofmamba.train.TrainingData;
import org.mixtureofmamba.train.TrainingListener;
import org.mixtureofmamba.train.TrainingRun;

/**
 * A matched share put to the test: the model trained once more for that share of the baseline's steps, its whole
 * schedule compressed to them. A run that is cut short has a learning rate that was meant for a longer one; only a run
 * that ends there shows that the saving is one.
 *
 * @param model its name
 * @param loss whose match was tried
 * @param run the directory of the new run
 * @param share of the baseline's steps it had, percent
 * @param heldOut whether losses are held-out ones, else training losses
 * @param target the loss at which the baseline ended, nats
 * @param landed the loss at which the new run ended
 * @param tolerance two deviations of the noise of their difference
 */
public record Confirmation(
        String model,
        LossKind loss,
        Path run,
        double share,
        boolean heldOut,
        double target,
        double landed,
        double tolerance) {
    private static final double TAIL = 0.1;

    /** Whether it came to where the baseline ended. */
    public boolean lands() {
        return landed <= target + tolerance;
    }

    /** One line: what was tried and what came of it. */
    public String text() {
        return String.format(
                Locale.ROOT,
                "%s, trained anew for %.1f %% of the baseline's steps with its schedule compressed to them, ended at a %s loss of %s of %.4f"
                        + " where the baseline ended at %.4f (± %.4f): the saving is %s.",
                model,
                share,
                heldOut ? "held-out" : "training",
                loss.title(),
                landed,
                target,
                tolerance,
                lands() ? "confirmed" : "not confirmed");
    }

    /**
     * Trains the first seed of a contender anew, or goes on with an earlier try in the same directory.
     *
     * @param directory where the new run goes
     * @param stop asked after each step; once it is true the run is saved and nothing is confirmed
     * @return empty if it was asked to stop
     * @throws UserException if the loss has no match, or the run no configuration to train from
     */
    public static Optional<Confirmation> of(
            Comparison comparison,
            Contender contender,
            LossKind loss,
            Path directory,
            PrepareProgress progress,
            TrainingListener listener,
            BooleanSupplier stop,
            Duration warmUp) {
        var row = contender
                .row(loss)
                .orElseThrow(() ->
                        new UserException("%s has no loss of %s to confirm".formatted(contender.name(), loss.title())));
        var matched = row.headline()
                .orElseThrow(() -> new UserException(
                        "%s has no match of %s to confirm".formatted(contender.name(), loss.title())));
        if (!(matched.seeds().getFirst() instanceof Share.Of(double percent))) {
            throw new UserException("%s never came to %s's loss of %s; there is no saving to confirm"
                    .formatted(contender.name(), comparison.baseline().name(), loss.title()));
        }
        var other = contender.runs().runs().getFirst();
        var baseline = comparison.baseline().runs().size() == 1
                ? comparison.baseline().runs().getFirst()
                : other.seed()
                        .flatMap(comparison.baseline()::withSeed)
                        .orElse(comparison.baseline().runs().getFirst());
        var config = compressed(RunDirectory.configOf(other.directory()), percent / 100, baseline, directory);
        try (var data = TrainingData.open(config, progress)) {
            if (new TrainingRun(config, data, listener, stop, warmUp).train(true) < config.steps()) {
                return Optional.empty();
            }
        }
        return Optional.of(measured(contender.name(), loss, percent, baseline, Run.read(directory)));
    }

    /** Steps, warm-up, decay and evaluations of a run in a share of the baseline's steps. */
    private static RunConfig compressed(RunConfig config, double share, Run baseline, Path directory) {
        long steps = Math.max(
                1, Math.round(share * baseline.metrics().last(Column.STEP).orElseThrow()));
        double factor = (double) steps / config.steps();
        var optimizer = config.optimizer();
        return new ConfigReader()
                .with(
                        config,
                        List.of(
                                "run=" + directory,
                                "steps=" + steps,
                                "optimizer.warmup=" + Math.round(factor * optimizer.warmup()),
                                "optimizer.decay=" + Math.max(1, Math.round(factor * optimizer.decay())),
                                "eval.every="
                                        + Math.round(factor * config.eval().every())));
    }

    private static Confirmation measured(String model, LossKind loss, double percent, Run baseline, Run again) {
        var first = LossSeries.heldOut(baseline, loss);
        var second = LossSeries.heldOut(again, loss);
        if (first.isPresent() && second.isPresent()) {
            double target = first.get().values()[first.get().size() - 1];
            double landed = second.get().values()[second.get().size() - 1];
            double tolerance = 2 * Math.sqrt(square(noise(first.get())) + square(noise(second.get())));
            return new Confirmation(model, loss, again.directory(), percent, true, target, landed, tolerance);
        }
        var ends = List.of(
                end(LossSeries.training(baseline.metrics(), loss)), end(LossSeries.training(again.metrics(), loss)));
        return new Confirmation(
                model,
                loss,
                again.directory(),
                percent,
                false,
                ends.getFirst().mean(),
                ends.getLast().mean(),
                2
                        * Math.sqrt(square(ends.getFirst().deviation())
                                + square(ends.getLast().deviation())));
    }

    private record End(double mean, double deviation) {}

    /** The mean of the last tenth of a run, and its deviation. */
    private static End end(Series series) {
        int from = Math.min(series.size() - 2, (int) ((1 - TAIL) * series.size()));
        int n = series.size() - from;
        double mean = 0;
        for (int i = from; i < series.size(); i++) {
            mean += series.values()[i] / n;
        }
        return new End(mean, noise(series) / Math.sqrt(n));
    }

    /** The deviation of one measurement in the second half of a curve, from its second differences. */
    private static double noise(Series series) {
        var values = series.values();
        double squares = 0;
        int n = 0;
        for (int i = Math.max(1, values.length / 2); i + 1 < values.length; i++) {
            squares += square(values[i] - (values[i - 1] + values[i + 1]) / 2) / 1.5;
            n++;
        }
        return n == 0 ? 0 : Math.sqrt(squares / n);
    }

    private static double square(double value) {
        return value * value;
    }
}
