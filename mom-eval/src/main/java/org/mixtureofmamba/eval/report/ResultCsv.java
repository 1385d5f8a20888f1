package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Contender;
import org.mixtureofmamba.eval.Cost;
import org.mixtureofmamba.eval.Estimate;
import org.mixtureofmamba.eval.Interval;
import org.mixtureofmamba.eval.Mark;
import org.mixtureofmamba.eval.Matched;
import org.mixtureofmamba.eval.Outcome;
import org.mixtureofmamba.eval.Row;
import org.mixtureofmamba.eval.Share;

/** Every figure of every row, for a spreadsheet or a script; shares in percent, an empty cell where there is none. */
final class ResultCsv {
    private ResultCsv() {}

    static String of(Report report) {
        var text = new StringBuilder();
        try (var printer = new CSVPrinter(
                text, CSVFormat.DEFAULT.builder().setRecordSeparator('\n').get())) {
            printer.printRecord(head());
            for (var comparison : report.comparisons()) {
                for (var contender : comparison.contenders()) {
                    for (var row : contender.rows()) {
                        printer.printRecord(cells(comparison, contender, row));
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static List<String> head() {
        var head = new ArrayList<>(List.of("setting", "scale", "model", "baseline", "loss", "seeds", "fair", "marks"));
        for (var reading : List.of("heldout", "training")) {
            head.addAll(List.of(
                    reading + "_baseline_loss",
                    reading + "_model_loss",
                    reading + "_gain",
                    reading + "_gain_half_width",
                    reading + "_seeds_matched"));
            for (var cost : Cost.values()) {
                var column = reading + "_" + cost.key();
                head.addAll(List.of(column + "_percent", column + "_low", column + "_high"));
            }
            head.addAll(List.of(
                    reading + "_interval",
                    reading + "_flops_check",
                    reading + "_flops_check_low",
                    reading + "_flops_check_high",
                    reading + "_not_read_because"));
        }
        for (var cost : Cost.values()) {
            head.add("plain_first_crossing_" + cost.key() + "_percent");
        }
        head.addAll(List.of("slope_percent", "slope_low", "slope_high", "slope_coverage"));
        for (int i = 0; i < 3; i++) {
            head.addAll(List.of("tail_" + (i + 1), "tail_" + (i + 1) + "_flops_percent"));
        }
        head.addAll(List.of("wall_clock_by_median_step"));
        return head;
    }

    private static List<Object> cells(Comparison comparison, Contender contender, Row row) {
        var cells = new ArrayList<Object>(List.of(
                comparison.setting().orElse(""),
                comparison.scale().orElse(""),
                contender.name(),
                comparison.baseline().name(),
                row.loss().key(),
                contender.runs().runs().size(),
                contender.fair(),
                String.join(
                        " ",
                        contender.marks().stream()
                                .map(Mark::kind)
                                .distinct()
                                .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                                .toList())));
        addOutcome(cells, row.heldOut());
        addOutcome(cells, row.training());
        for (var cost : Cost.values()) {
            cells.add(cell(row.plain().getOrDefault(cost, new Share.NotMeasured())));
        }
        addEstimate(cells, row.slope());
        cells.add(row.slope().isPresent() ? precise(row.coverage()) : "");
        for (int i = 0; i < 3; i++) {
            boolean there = i < row.sensitivity().size();
            cells.add(there ? precise(row.sensitivity().get(i).tail()) : "");
            cells.add(there ? cell(row.sensitivity().get(i).flops()) : "");
        }
        cells.add(contender.clock().disturbed());
        return cells;
    }

    private static void addOutcome(List<Object> cells, Outcome outcome) {
        Optional<Matched> matched = outcome.matched();
        var levels = matched.map(Matched::levels);
        cells.add(levels.map(l -> precise(l.baseline())).orElse(""));
        cells.add(levels.map(l -> precise(l.other())).orElse(""));
        cells.add(levels.map(l -> precise(l.gain())).orElse(""));
        cells.add(levels.filter(l -> l.gainHalf().isPresent())
                .map(l -> precise(l.gainHalf().getAsDouble()))
                .orElse(""));
        cells.add(matched.map(Matched::reached).map(Object.class::cast).orElse(""));
        for (var cost : Cost.values()) {
            addEstimate(cells, matched.map(m -> m.costs().get(cost)));
        }
        var flops = matched.map(m -> m.costs().get(Cost.FLOPS));
        cells.add(flops.flatMap(Estimate::interval)
                .map(interval -> interval.basis().title())
                .orElse(""));
        cells.add(flops.flatMap(Estimate::check).map(ResultCsv::cell).orElse(""));
        addInterval(cells, flops.flatMap(Estimate::checkInterval));
        cells.add(outcome instanceof Outcome.Unread(String why) ? why : "");
    }

    private static void addEstimate(List<Object> cells, Optional<Estimate> estimate) {
        cells.add(estimate.map(e -> cell(e.value())).orElse(""));
        addInterval(cells, estimate.flatMap(Estimate::interval));
    }

    private static void addInterval(List<Object> cells, Optional<Interval> interval) {
        cells.add(interval.map(i -> cell(i.low())).orElse(""));
        cells.add(interval.map(i -> cell(i.high())).orElse(""));
    }

    private static String cell(Share share) {
        return switch (share) {
            case Share.NotMeasured() -> "";
            case Share.Of(double percent) -> precise(percent);
            default -> share.number();
        };
    }

    private static String precise(double value) {
        return String.format(Locale.ROOT, "%.6g", value);
    }
}
