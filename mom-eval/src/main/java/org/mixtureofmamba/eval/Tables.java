package org.mixtureofmamba.eval;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The matched-loss results as tables: for a terminal, Markdown, CSV and JSON. */
final class Tables {
    private Tables() {}

    /** What a loss is called in tables for people. */
    static String title(LossKind kind) {
        return kind == LossKind.ALL ? "all tokens" : kind.key();
    }

    /** What the figures are, in one sentence. */
    static String caption(Comparison comparison, Contender contender) {
        return "What %s needed to reach the training loss at which %s ended, in percent of %s's whole run."
                .formatted(
                        contender.name(),
                        comparison.baseline().name(),
                        comparison.baseline().name());
    }

    /** How the intervals and curves were made. */
    static String method(Comparison comparison, Contender contender) {
        var basis = contender.rows().stream()
                .flatMap(row -> row.costs().values().stream())
                .flatMap(estimate -> estimate.interval().stream())
                .findFirst();
        int seeds = contender.runs().runs().size();
        var interval = basis.map(i -> switch (i.basis()) {
                    case SEEDS -> "Interval: 95 %%, Student's t over %d paired seeds.".formatted(seeds);
                    case BLOCK_BOOTSTRAP ->
                        "Interval: 95 %, block bootstrap of one seed's curves; it says nothing of other seeds.";
                })
                .orElse("No interval.");
        return "Losses: running mean over %d steps. %s"
                .formatted(comparison.smoothing().window(), interval);
    }

    /** The paper's figure for a row, or that there is none. */
    static String paper(Comparison comparison, Row row) {
        return figure(comparison, row)
                .map(f -> String.format(Locale.ROOT, "%.2f %%", f.percent()))
                .orElse("none known");
    }

    /** The costs that a contender's rows have a figure for. */
    static List<Cost> measured(Contender contender) {
        return Arrays.stream(Cost.values())
                .filter(cost -> contender.rows().stream()
                        .anyMatch(row -> !(row.costs().get(cost).value() instanceof Share.NotMeasured)))
                .toList();
    }

    /** How many seeds met the target, where not all did. */
    static Optional<String> unmatched(Row row) {
        long matched = row.matched();
        return matched == row.seeds().size() || row.seeds().size() == 1
                ? Optional.empty()
                : Optional.of("%s: %d of %d seeds reached the target, so the mean is a lower bound"
                        .formatted(title(row.loss()), matched, row.seeds().size()));
    }

    static String loss(double nats) {
        return String.format(Locale.ROOT, "%.4f", nats);
    }

    static String gain(Row row) {
        return String.format(Locale.ROOT, "%+.4f", row.gain())
                + (row.gainHalf().isPresent()
                        ? String.format(Locale.ROOT, " ± %.4f", row.gainHalf().getAsDouble())
                        : "");
    }

    static String text(Comparison comparison) {
        var text = new StringBuilder();
        for (var contender : comparison.contenders()) {
            var cells = cells(comparison, contender);
            text.append(caption(comparison, contender))
                    .append("\n\n")
                    .append(aligned(cells))
                    .append('\n')
                    .append(method(comparison, contender))
                    .append('\n');
            notes(contender).forEach(note -> text.append(note).append('\n'));
            text.append('\n');
        }
        return text.toString();
    }

    static String markdown(Comparison comparison) {
        var text = new StringBuilder("# Matched loss\n");
        for (var contender : comparison.contenders()) {
            var cells = cells(comparison, contender);
            text.append("\n## ")
                    .append(pipe(contender.name()))
                    .append(" against ")
                    .append(pipe(comparison.baseline().name()))
                    .append("\n\n")
                    .append(pipe(caption(comparison, contender)))
                    .append("\n\n");
            for (int i = 0; i < cells.size(); i++) {
                text.append(cells.get(i).stream().map(Tables::pipe).collect(Collectors.joining(" | ", "| ", " |\n")));
                if (i == 0) {
                    text.append("|---")
                            .append("|--:".repeat(cells.getFirst().size() - 1))
                            .append("|\n");
                }
            }
            text.append('\n').append(method(comparison, contender)).append('\n');
            notes(contender).forEach(note -> text.append("\n- ").append(pipe(note)));
            text.append("\n### Fair pair\n\n");
            contender
                    .findings()
                    .forEach(finding -> text.append("- ")
                            .append(finding.verdict().title())
                            .append(": ")
                            .append(pipe(finding.text()))
                            .append('\n'));
        }
        return text.toString();
    }

    static String csv(Comparison comparison) {
        var text = new StringBuilder();
        var head = new ArrayList<>(List.of(
                "model",
                "baseline",
                "loss",
                "seeds",
                "seeds_matched",
                "baseline_loss",
                "model_loss",
                "loss_gain",
                "loss_gain_half_width"));
        for (var cost : Cost.values()) {
            head.addAll(List.of(cost.key() + "_percent", cost.key() + "_low", cost.key() + "_high"));
        }
        head.addAll(List.of("slope_percent", "slope_low", "slope_high", "interval", "paper_percent_1_4b"));
        try (var printer = new CSVPrinter(
                text, CSVFormat.DEFAULT.builder().setRecordSeparator('\n').get())) {
            printer.printRecord(head);
            for (var contender : comparison.contenders()) {
                for (var row : contender.rows()) {
                    var cells = new ArrayList<Object>(List.of(
                            contender.name(),
                            comparison.baseline().name(),
                            row.loss().key(),
                            row.seeds().size(),
                            row.matched(),
                            precise(row.target()),
                            precise(row.reached()),
                            precise(row.gain()),
                            row.gainHalf().isPresent() ? precise(row.gainHalf().getAsDouble()) : ""));
                    for (var cost : Cost.values()) {
                        addEstimate(cells, row.costs().get(cost));
                    }
                    addEstimate(cells, row.slope());
                    cells.add(row.costs()
                            .get(Cost.FLOPS)
                            .interval()
                            .map(i -> i.basis().title())
                            .orElse("none"));
                    cells.add(figure(comparison, row)
                            .map(f -> String.format(Locale.ROOT, "%.2f", f.percent()))
                            .orElse(""));
                    printer.printRecord(cells);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    static String json(Comparison comparison) {
        var mapper = JsonMapper.builder().build();
        var root = mapper.createObjectNode();
        root.put("baseline", comparison.baseline().name());
        root.put("window_steps", comparison.smoothing().window());
        comparison.setting().ifPresent(setting -> root.put("setting", setting));
        var models = root.putArray("models");
        for (var contender : comparison.contenders()) {
            var model = models.addObject();
            model.put("name", contender.name());
            model.put("fair", contender.fair());
            var findings = model.putArray("findings");
            contender
                    .findings()
                    .forEach(finding -> findings.addObject()
                            .put("verdict", finding.verdict().title())
                            .put("text", finding.text()));
            var losses = model.putArray("losses");
            for (var row : contender.rows()) {
                var node = losses.addObject();
                node.put("loss", row.loss().key())
                        .put("seeds", row.seeds().size())
                        .put("seeds_matched", row.matched())
                        .put("baseline_loss", row.target())
                        .put("model_loss", row.reached())
                        .put("loss_gain", row.gain());
                row.gainHalf().ifPresent(half -> node.put("loss_gain_half_width", half));
                for (var cost : Cost.values()) {
                    putEstimate(node.putObject(cost.key()), row.costs().get(cost));
                }
                putEstimate(node.putObject("slope"), row.slope());
                figure(comparison, row)
                        .ifPresent(f -> node.putObject("paper")
                                .put("percent", f.percent())
                                .put("scale", PaperFigures.SCALE)
                                .put("setting", f.setting()));
            }
        }
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    }

    /** What a reader must know beside the table: seeds that never matched, and what makes the pair unfair. */
    static List<String> notes(Contender contender) {
        var notes = new ArrayList<String>();
        contender.rows().forEach(row -> unmatched(row).ifPresent(notes::add));
        contender.findings().stream()
                .filter(f -> f.verdict() == Finding.Verdict.UNFAIR || f.verdict() == Finding.Verdict.CAUTION)
                .forEach(f -> notes.add(
                        (f.verdict() == Finding.Verdict.UNFAIR ? "Not a fair pair: " : "Caution: ") + f.text()));
        return notes;
    }

    /** Head and rows of the table for people. */
    static List<List<String>> cells(Comparison comparison, Contender contender) {
        var costs = measured(contender);
        var rows = new ArrayList<List<String>>();
        var head = new ArrayList<>(List.of("loss", comparison.baseline().name(), contender.name(), "gain"));
        costs.forEach(cost -> head.add(cost.title()));
        head.addAll(List.of("slope", "paper, " + PaperFigures.SCALE));
        rows.add(head);
        for (var row : contender.rows()) {
            var cells = new ArrayList<>(List.of(title(row.loss()), loss(row.target()), loss(row.reached()), gain(row)));
            costs.forEach(cost -> cells.add(row.costs().get(cost).text()));
            cells.addAll(List.of(row.slope().text(), paper(comparison, row)));
            rows.add(cells);
        }
        return rows;
    }

    private static Optional<PaperFigures> figure(Comparison comparison, Row row) {
        return comparison.setting().flatMap(setting -> PaperFigures.of(setting, row.loss()));
    }

    private static String aligned(List<List<String>> rows) {
        var widths = IntStream.range(0, rows.getFirst().size())
                .map(i ->
                        rows.stream().mapToInt(row -> row.get(i).length()).max().orElse(0))
                .toArray();
        var text = new StringBuilder();
        for (var row : rows) {
            for (int i = 0; i < widths.length; i++) {
                var padding = " ".repeat(widths[i] - row.get(i).length());
                text.append(i == 0 ? row.get(i) + padding : "  " + padding + row.get(i));
            }
            text.append('\n');
        }
        return text.toString();
    }

    private static void addEstimate(List<Object> cells, Estimate estimate) {
        cells.add(cell(estimate.value()));
        cells.add(estimate.interval().map(i -> cell(i.low())).orElse(""));
        cells.add(estimate.interval().map(i -> cell(i.high())).orElse(""));
    }

    private static String cell(Share share) {
        return share instanceof Share.NotMeasured
                ? ""
                : share instanceof Share.Of(double percent) ? precise(percent) : share.number();
    }

    private static void putEstimate(ObjectNode node, Estimate estimate) {
        putShare(node, "percent", estimate.value());
        estimate.interval().ifPresent(interval -> {
            putShare(node, "low", interval.low());
            putShare(node, "high", interval.high());
            node.put("interval", interval.basis().title());
        });
    }

    private static void putShare(ObjectNode node, String key, Share share) {
        switch (share) {
            case Share.Of(double percent) -> node.put(key, percent);
            case Share.MoreThan(double percent) -> node.put(key + "_more_than", percent);
            case Share.NotMeasured() -> node.putNull(key);
        }
    }

    private static String precise(double value) {
        return String.format(Locale.ROOT, "%.6g", value);
    }

    private static String pipe(String text) {
        return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;");
    }
}
