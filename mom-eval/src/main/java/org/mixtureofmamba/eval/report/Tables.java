package org.mixtureofmamba.eval.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Contender;
import org.mixtureofmamba.eval.Cost;
import org.mixtureofmamba.eval.Estimate;
import org.mixtureofmamba.eval.Finding;
import org.mixtureofmamba.eval.Interval;
import org.mixtureofmamba.eval.Levels;
import org.mixtureofmamba.eval.LossKind;
import org.mixtureofmamba.eval.Mark;
import org.mixtureofmamba.eval.Matched;
import org.mixtureofmamba.eval.Outcome;
import org.mixtureofmamba.eval.RouterLoad;
import org.mixtureofmamba.eval.Row;
import org.mixtureofmamba.eval.RunGroup;
import org.mixtureofmamba.eval.Share;

/** The tables of a report and what must stand beside them, as texts. */
final class Tables {
    private static final String NOT_READ = "–";
    private static final String BACKEND_DEVICE = "device";

    private Tables() {}

    /** The matches, held out and training side by side. */
    static Page.Table matches(Comparison comparison, Contender contender) {
        var rows = new ArrayList<List<Page.Cell>>();
        for (var row : contender.rows()) {
            for (var cost : costs(contender)) {
                rows.add(List.of(
                        Page.Cell.of(lossName(row.loss(), contender)),
                        Page.Cell.of(cost.title()),
                        cell(row.heldOut(), cost),
                        cell(row.training(), cost),
                        cost == Cost.FLOPS ? slope(row) : Page.Cell.of("")));
            }
        }
        return new Page.Table(
                id("match", comparison, contender),
                "What %s needed to reach the loss at which %s ended, in percent of %s's whole run."
                        .formatted(
                                signed(contender),
                                comparison.baseline().name(),
                                comparison.baseline().name()),
                List.of("loss", "share of", "held out", "training", "slope"),
                rows);
    }

    /** The losses at the end. */
    static Page.Table losses(Comparison comparison, Contender contender) {
        var baseline = comparison.baseline().name();
        var rows = new ArrayList<List<Page.Cell>>();
        for (var row : contender.rows()) {
            var cells = new ArrayList<>(List.of(Page.Cell.of(lossName(row.loss(), contender))));
            for (var outcome : List.of(row.heldOut(), row.training())) {
                var levels = outcome.matched().map(Matched::levels);
                cells.add(Page.Cell.of(levels.map(l -> loss(l.baseline())).orElse(NOT_READ)));
                cells.add(Page.Cell.of(levels.map(l -> loss(l.other())).orElse(NOT_READ)));
                cells.add(Page.Cell.of(levels.map(Tables::gain).orElse(NOT_READ)));
            }
            rows.add(cells);
        }
        return new Page.Table(
                id("losses", comparison, contender),
                "Losses at the end, nats a token; a gain above 0 is %s's.".formatted(signed(contender)),
                List.of(
                        "loss",
                        "held out: " + baseline,
                        "held out: " + contender.name(),
                        "held out: gain",
                        "training: " + baseline,
                        "training: " + contender.name(),
                        "training: gain"),
                rows);
    }

    /** The training match by other settings and other statistics. */
    static Optional<Page.Table> sureness(Comparison comparison, Contender contender) {
        var read = contender.rows().stream()
                .filter(row -> row.training() instanceof Outcome.Read)
                .toList();
        if (read.isEmpty()) {
            return Optional.empty();
        }
        var head = new ArrayList<>(List.of("loss"));
        read.getFirst()
                .sensitivity()
                .forEach(at -> head.add(String.format(Locale.ROOT, "tail of %.0f %%", 100 * at.tail())));
        boolean seeds = contender.runs().runs().size() > 1;
        head.add(seeds ? "training: curves averaged over seeds" : "training: median of redrawn noise");
        head.add(seeds ? "held out: curves averaged over seeds" : "held out: median of redrawn noise");
        var rows = new ArrayList<List<Page.Cell>>();
        for (var row : read) {
            var cells = new ArrayList<>(List.of(Page.Cell.of(lossName(row.loss(), contender))));
            row.sensitivity().forEach(at -> cells.add(Page.Cell.of(at.flops().text())));
            cells.add(check(row.training()));
            cells.add(check(row.heldOut()));
            rows.add(cells);
        }
        return Optional.of(new Page.Table(
                id("sureness", comparison, contender),
                "How far the FLOPs of %s's match depend on settings and statistics.".formatted(signed(contender)),
                head,
                rows));
    }

    private static Page.Cell check(Outcome outcome) {
        return outcome.matched()
                .map(matched -> matched.costs().get(Cost.FLOPS))
                .flatMap(estimate -> estimate.check()
                        .map(share -> new Page.Cell(
                                share.text(),
                                estimate.checkInterval().map(Interval::text).orElse(""))))
                .orElse(Page.Cell.of(NOT_READ));
    }

    /** Ours beside what was published for the setting. */
    static Page.Table published(List<Comparison> comparisons, String setting) {
        var losses = comparisons.stream()
                .flatMap(comparison -> comparison.losses().stream())
                .filter(loss -> loss != LossKind.ALL)
                .distinct()
                .sorted()
                .toList();
        var head = new ArrayList<>(List.of("source", "model", "share of", "scale"));
        losses.forEach(loss -> head.add(loss.title()));
        head.addAll(List.of("tokens", "epochs", "card", "date"));
        var rows = new ArrayList<List<Page.Cell>>();
        for (var comparison : comparisons) {
            for (var contender : comparison.contenders()) {
                for (var cost : List.of(Cost.FLOPS, Cost.WALL_CLOCK)) {
                    rows.add(ours(comparison, contender, cost, losses));
                }
            }
        }
        for (var published : Published.of(setting)) {
            var cells = new ArrayList<>(List.of(
                    Page.Cell.of(published.source()),
                    Page.Cell.of(published.model()),
                    Page.Cell.of(published.measure()),
                    Page.Cell.of(published.scale())));
            losses.forEach(loss -> cells.add(Page.Cell.of(published
                    .percent(loss)
                    .map(percent -> String.format(Locale.ROOT, "%.2f %%", percent))
                    .orElse(""))));
            for (int i = 0; i < 4; i++) {
                cells.add(Page.Cell.of(""));
            }
            rows.add(cells);
        }
        return new Page.Table(
                "published-" + setting,
                "Setting %s, beside published figures. Those are of other models, sizes and data, from training losses; an empty cell was not published."
                        .formatted(setting),
                head,
                rows);
    }

    private static List<Page.Cell> ours(Comparison comparison, Contender contender, Cost cost, List<LossKind> losses) {
        var run = contender.runs().runs().getFirst();
        var cells = new ArrayList<>(List.of(
                Page.Cell.of("this run"),
                Page.Cell.of(signed(contender)),
                new Page.Cell(cost.title(), headlineKind(contender)),
                Page.Cell.of(comparison.scale().orElse(""))));
        for (var loss : losses) {
            cells.add(contender
                    .row(loss)
                    .flatMap(Row::headline)
                    .map(matched -> cell(matched.costs().get(cost)))
                    .orElse(Page.Cell.of("")));
        }
        cells.add(Page.Cell.of(count(run.tokens())));
        cells.add(Page.Cell.of(
                run.epochs().isPresent()
                        ? String.format(Locale.ROOT, "%.2f", run.epochs().getAsDouble())
                        : ""));
        cells.add(Page.Cell.of(run.environment().getOrDefault(BACKEND_DEVICE, "")));
        cells.add(Page.Cell.of(run.date().orElse("")));
        return cells;
    }

    private static String headlineKind(Contender contender) {
        return contender.rows().stream().anyMatch(row -> row.heldOut() instanceof Outcome.Read)
                ? "held out"
                : "training";
    }

    /** The load of a learned router; empty if the model has none. */
    static Optional<Page.Table> routing(Comparison comparison, Contender contender) {
        var loads = contender.runs().runs().stream()
                .flatMap(run -> RouterLoad.of(run).stream())
                .toList();
        if (loads.isEmpty()) {
            return Optional.empty();
        }
        var load = RouterLoad.mean(loads);
        int modalities = load.mean().shares().length;
        var head = new ArrayList<>(List.of("block", "found"));
        for (int modality = 0; modality < modalities; modality++) {
            for (int expert = 0; expert < modalities; expert++) {
                head.add("%s: %d".formatted(Modality.values()[modality].key(), expert + 1));
            }
        }
        var rows = new ArrayList<List<Page.Cell>>();
        rows.add(routing("mean", load.mean()));
        for (int i = 0; i < load.blocks().size(); i++) {
            rows.add(routing(Integer.toString(i + 1), load.blocks().get(i)));
        }
        return Optional.of(new Page.Table(
                id("routing", comparison, contender),
                "Share of each modality's held-out tokens that %s's experts got at the end of training%s."
                        .formatted(
                                signed(contender),
                                loads.size() > 1 ? ", mean of %d seeds".formatted(loads.size()) : ""),
                head,
                rows));
    }

    private static List<Page.Cell> routing(String name, RouterLoad.Block block) {
        var cells = new ArrayList<>(List.of(Page.Cell.of(name), Page.Cell.of(percent(block.found()))));
        for (var shares : block.shares()) {
            for (double share : shares) {
                cells.add(Page.Cell.of(percent(share)));
            }
        }
        return cells;
    }

    /** What was trained, a column a model. */
    static Page.Table runs(Comparison comparison) {
        var groups = new ArrayList<RunGroup>();
        groups.add(comparison.baseline());
        comparison.contenders().forEach(contender -> groups.add(contender.runs()));
        var head = new ArrayList<>(List.of(""));
        head.add(comparison.baseline().name());
        comparison.contenders().forEach(contender -> head.add(signed(contender)));
        return new Page.Table(
                "runs" + comparison.scale().map(scale -> "-" + scale).orElse(""),
                "What was trained" + (comparison.baseline().runs().size() > 1 ? "; of several seeds the first." : "."),
                head,
                RunFacts.of(
                        groups.stream().map(group -> group.runs().getFirst()).toList()));
    }

    /** What a reader must know before the figures. */
    static List<String> warnings(Comparison comparison, Contender contender) {
        var warnings = new ArrayList<String>();
        if (!contender.fair()) {
            warnings.add("Not a fair pair: the runs differ in more than the model. "
                    + String.join(
                            "; ",
                            contender.findings().stream()
                                    .filter(finding -> finding.verdict() == Finding.Verdict.UNFAIR)
                                    .map(Finding::text)
                                    .toList())
                    + ".");
        }
        contender.marks().forEach(mark -> warnings.add(mark.kind().sign() + " " + mark.text() + "."));
        if (contender.clock().disturbed()) {
            warnings.add(
                    ("The machine was not theirs alone: step times spread over %s of their median in %s and %s in %s."
                                    + " Wall-clock shares therefore take each run's steps by its median step time.")
                            .formatted(
                                    percent(contender.clock().baseline().spread()),
                                    comparison.baseline().name(),
                                    percent(contender.clock().other().spread()),
                                    contender.name()));
        }
        comparison.leftOut().forEach(left -> warnings.add(left.text() + "."));
        return warnings;
    }

    /** How the figures were made, and which were not. */
    static List<String> notes(Contender contender) {
        var notes = new ArrayList<String>();
        unread(contender, true).ifPresent(notes::add);
        unread(contender, false).ifPresent(notes::add);
        int seeds = contender.runs().runs().size();
        boolean any = contender.rows().stream().anyMatch(row -> row.headline().isPresent());
        if (any) {
            notes.add(
                    seeds == 1
                            ? "Intervals: 95 %, the noise of one seed's curves redrawn in blocks of steps. They say nothing of other seeds."
                            : "Intervals: 95 %%, Student's t over the logarithms of %d paired seeds' shares."
                                    .formatted(seeds));
        }
        for (var row : contender.rows()) {
            row.headline()
                    .filter(matched -> seeds > 1 && matched.reached() < seeds)
                    .ifPresent(matched -> notes.add(
                            "%s: %d of %d seeds reached the loss; the others' shares are carried on with the slope their runs ended with."
                                    .formatted(row.loss().title(), matched.reached(), seeds)));
        }
        return notes;
    }

    private static Optional<String> unread(Contender contender, boolean heldOut) {
        var reasons = contender.rows().stream()
                .filter(row -> (heldOut ? row.heldOut() : row.training()) instanceof Outcome.Unread)
                .map(row -> ((Outcome.Unread) (heldOut ? row.heldOut() : row.training())).why())
                .distinct()
                .toList();
        return reasons.isEmpty()
                ? Optional.empty()
                : Optional.of("No %s match where it reads %s: %s."
                        .formatted(heldOut ? "held-out" : "training", NOT_READ, String.join("; ", reasons)));
    }

    /** The costs that any row of a contender has a figure for. */
    private static List<Cost> costs(Contender contender) {
        var measured = Arrays.stream(Cost.values())
                .filter(cost -> contender.rows().stream()
                        .flatMap(row -> Stream.of(row.heldOut(), row.training()))
                        .flatMap(outcome -> outcome.matched().stream())
                        .anyMatch(matched -> !(matched.costs().get(cost).value() instanceof Share.NotMeasured)))
                .toList();
        return measured.isEmpty() ? List.of(Cost.FLOPS) : measured;
    }

    private static Page.Cell cell(Outcome outcome, Cost cost) {
        return outcome.matched().map(matched -> cell(matched.costs().get(cost))).orElse(Page.Cell.of(NOT_READ));
    }

    static Page.Cell cell(Estimate estimate) {
        return new Page.Cell(
                estimate.value().text(), estimate.interval().map(Interval::text).orElse(""));
    }

    static Page.Cell slope(Row row) {
        return row.slope()
                .map(slope -> new Page.Cell(
                        slope.value().text(),
                        slope.interval().map(interval -> interval.text() + "; ").orElse("") + "covers "
                                + percent(row.coverage())))
                .orElse(Page.Cell.of(NOT_READ));
    }

    /** A contender's name with the signs of its marks. */
    static String signed(Contender contender) {
        return contender.signs().isEmpty() ? contender.name() : contender.name() + " " + contender.signs();
    }

    private static String lossName(LossKind loss, Contender contender) {
        boolean turns = contender.marks().stream()
                .anyMatch(mark ->
                        mark.kind() == Mark.Kind.MEMORISED && mark.loss().equals(Optional.of(loss)));
        return turns ? loss.title() + " " + Mark.Kind.MEMORISED.sign() : loss.title();
    }

    static String loss(double nats) {
        return String.format(Locale.ROOT, "%.4f", nats);
    }

    private static String gain(Levels levels) {
        return String.format(Locale.ROOT, "%+.4f", levels.gain())
                + (levels.gainHalf().isPresent()
                        ? String.format(
                                Locale.ROOT, " ± %.4f", levels.gainHalf().getAsDouble())
                        : "");
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.0f %%", 100 * share);
    }

    static String count(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%,.0f", value);
    }

    private static String id(String what, Comparison comparison, Contender contender) {
        return (what + "-" + comparison.scale().map(scale -> scale + "-").orElse("") + contender.name())
                .replaceAll("[^A-Za-z0-9-]", "-");
    }
}
