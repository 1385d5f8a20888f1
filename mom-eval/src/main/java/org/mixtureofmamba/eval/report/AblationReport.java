package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.eval.Contender;
import org.mixtureofmamba.eval.Cost;
import org.mixtureofmamba.eval.Estimate;
import org.mixtureofmamba.eval.Interval;
import org.mixtureofmamba.eval.LeftOut;
import org.mixtureofmamba.eval.LossKind;
import org.mixtureofmamba.eval.Mark;
import org.mixtureofmamba.eval.Matched;
import org.mixtureofmamba.eval.lab.Ablation;

/** Ablations written out: an HTML page, the same as Markdown, and every figure as CSV. */
public record AblationReport(String title, List<Ablation> ablations) {
    private static final String PAGE = "ablation.html";

    public AblationReport {
        ablations = List.copyOf(ablations);
    }

    /** The tables for a terminal. */
    public String text() {
        var text = new StringBuilder();
        for (var section : page().sections()) {
            section.tables().forEach(table -> TextTables.add(text, table));
            section.verdicts().forEach(verdict -> text.append(verdict.text()).append('\n'));
            section.warnings().forEach(warning -> text.append(warning).append('\n'));
        }
        return text.toString();
    }

    /**
     * Writes {@code ablation.csv}, {@code ablation.md} and {@code ablation.html}, each whole, the page last.
     *
     * @throws FailureException if the disk refuses
     */
    public WrittenReport write(Path directory) {
        var templates = new Templates();
        var values = Map.of(
                "page", page(), "style", PageBuilder.resource("report.css") + new ChartPictures(templates).pageStyle());
        var contents = new LinkedHashMap<String, String>();
        contents.put("ablation.csv", csv());
        contents.put("ablation.md", templates.fill("report.md.ftl", values));
        contents.put(PAGE, templates.fill("report.html.ftl", values));
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new FailureException("cannot make the directory %s; choose another place".formatted(directory), e);
        }
        var files = new ArrayList<Path>();
        contents.forEach((name, text) -> {
            AtomicFiles.write(directory.resolve(name), out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
            files.add(directory.resolve(name));
        });
        return new WrittenReport(directory.resolve(PAGE), files, List.of());
    }

    private Page page() {
        var sections = new ArrayList<Page.Section>();
        for (var ablation : ablations) {
            sections.add(splits(ablation));
            if (ablation.complete()) {
                sections.add(synergy(ablation));
                sections.add(effects(ablation));
            }
        }
        return new Page(
                title,
                "Which of a mixture's four projections must be split by modality: the gain in held-out loss over the dense"
                        + " model after equal steps, in nats a token, above 0 where the mixture is better. ± is half a 95 %"
                        + " interval, Student's t over paired seeds; one in twenty such intervals misses the truth.",
                sections);
    }

    private Page.Section splits(Ablation ablation) {
        var section = new SectionBuilder(heading("Sixteen splits", ablation));
        var head = new ArrayList<>(List.of("split"));
        for (var loss : ablation.losses()) {
            head.add(loss.title() + ": gain");
            head.add(loss.title() + ": FLOPs to match");
        }
        var rows = new ArrayList<List<Page.Cell>>();
        var dense = new ArrayList<>(List.of(Page.Cell.of("none (dense)")));
        ablation.losses().forEach(_ -> {
            dense.add(Page.Cell.of("0"));
            dense.add(Page.Cell.of("100 %"));
        });
        rows.add(dense);
        for (var contender : ablation.rows()) {
            var cells = new ArrayList<>(List.of(Page.Cell.of(Tables.signed(contender))));
            for (var loss : ablation.losses()) {
                cells.add(Page.Cell.of(
                        ablation.gain(contender, loss).map(AblationReport::nats).orElse("")));
                cells.add(share(contender, loss).map(Tables::cell).orElse(Page.Cell.of("")));
            }
            rows.add(cells);
        }
        section.tables.add(new Page.Table(
                "splits",
                "Gain over dense in held-out loss after equal steps, nats, and the share of dense's FLOPs to its held-out loss at the end.",
                head,
                rows));
        var comparison = ablation.comparison();
        section.warnings.addAll(
                comparison.leftOut().stream().map(LeftOut::text).distinct().toList());
        comparison.contenders().stream()
                .filter(contender -> !contender.fair())
                .map(contender -> "Not a fair pair: " + contender.name() + " and dense")
                .forEach(section.warnings::add);
        if (!ablation.complete()) {
            section.warnings.add("No seed has all 16 runs yet, so effects are not given; the same command goes on.");
        }
        comparison.contenders().stream()
                .flatMap(contender -> contender.marks().stream())
                .collect(Collectors.groupingBy(Mark::kind, LinkedHashMap::new, Collectors.toList()))
                .forEach((kind, marks) -> section.notes.add("%s %s%s."
                        .formatted(
                                kind.sign(),
                                marks.getFirst().text(),
                                marks.size() > 1 ? "; likewise other runs of the table" : "")));
        section.notes.add(comparison.baseline().runs().getFirst().provenance());
        return section.build();
    }

    private Page.Section synergy(Ablation ablation) {
        var section = new SectionBuilder(heading("Single against joint", ablation));
        section.tables.add(table(
                "single",
                "Gain of each projection split alone, and of all together, nats.",
                ablation,
                ablation::singleAgainstJoint));
        for (var loss : ablation.losses()) {
            var verdict = ablation.verdict(loss);
            var kind = switch (verdict) {
                case SYNERGY -> "equal";
                case REDUNDANCY -> "compared";
                case OPEN, ONE_SEED -> "unknown";
            };
            section.verdicts.add(new Page.Verdict(
                    kind,
                    loss.title(),
                    "%s: together less sum %s nats; %s"
                            .formatted(loss.title(), nats(ablation.synergy(loss)), verdict.text())));
        }
        return section.build();
    }

    private Page.Section effects(Ablation ablation) {
        var section = new SectionBuilder(heading("Effects", ablation));
        section.tables.add(table(
                "effects",
                "Main effects and interactions of two in the 2^4 design, nats: the mean gain with a projection split less that with it"
                        + " shared; an interaction is half of how much that changes when the other is split too.",
                ablation,
                ablation::effects));
        return section.build();
    }

    private static Page.Table table(
            String id, String caption, Ablation ablation, Function<LossKind, List<Ablation.Figure>> figures) {
        var head = new ArrayList<>(List.of(""));
        var columns = new ArrayList<List<Ablation.Figure>>();
        for (var loss : ablation.losses()) {
            head.add(loss.title());
            columns.add(figures.apply(loss));
        }
        var rows = new ArrayList<List<Page.Cell>>();
        for (int i = 0; i < columns.getFirst().size(); i++) {
            var cells = new ArrayList<Page.Cell>();
            cells.add(Page.Cell.of(columns.getFirst().get(i).name()));
            for (var column : columns) {
                cells.add(Page.Cell.of(nats(column.get(i))));
            }
            rows.add(cells);
        }
        return new Page.Table(id, caption, head, rows);
    }

    private String csv() {
        var text = new StringBuilder();
        try (var printer = new CSVPrinter(
                text, CSVFormat.DEFAULT.builder().setRecordSeparator('\n').get())) {
            printer.printRecord(
                    "scale",
                    "figure",
                    "name",
                    "loss",
                    "seeds",
                    "nats",
                    "half_width",
                    "flops_percent",
                    "flops_low",
                    "flops_high");
            for (var ablation : ablations) {
                for (var loss : ablation.losses()) {
                    for (var contender : ablation.rows()) {
                        var gain = ablation.gain(contender, loss);
                        if (gain.isPresent()) {
                            printer.printRecord(cells(ablation, "gain", gain.get(), share(contender, loss)));
                        }
                    }
                    if (ablation.complete()) {
                        for (var figure : ablation.singleAgainstJoint(loss)) {
                            printer.printRecord(cells(ablation, "single against joint", figure, Optional.empty()));
                        }
                        for (var figure : ablation.effects(loss)) {
                            printer.printRecord(cells(ablation, "effect", figure, Optional.empty()));
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static List<Object> cells(
            Ablation ablation, String what, Ablation.Figure figure, Optional<Estimate> share) {
        var cells = new ArrayList<Object>(List.of(
                ablation.comparison().scale().orElse(""),
                what,
                figure.name(),
                figure.loss().key(),
                figure.seeds(),
                precise(figure.nats().mean())));
        cells.add(
                figure.nats().half().isPresent() ? precise(figure.nats().half().getAsDouble()) : "");
        cells.add(share.map(estimate -> estimate.value().number()).orElse(""));
        var interval = share.flatMap(Estimate::interval);
        cells.add(interval.map(Interval::low).map(low -> low.number()).orElse(""));
        cells.add(interval.map(Interval::high).map(high -> high.number()).orElse(""));
        return cells;
    }

    private static Optional<Estimate> share(Contender contender, LossKind loss) {
        return contender
                .row(loss)
                .flatMap(row -> row.heldOut().matched())
                .map(Matched::costs)
                .map(costs -> costs.get(Cost.FLOPS));
    }

    private static String nats(Ablation.Figure figure) {
        var half = figure.nats().half();
        return String.format(Locale.ROOT, "%.4f", figure.nats().mean())
                + (half.isPresent() ? String.format(Locale.ROOT, " ± %.4f", half.getAsDouble()) : "");
    }

    private static String precise(double value) {
        return String.format(Locale.ROOT, "%.6g", value);
    }

    private String heading(String what, Ablation ablation) {
        return ablations.size() == 1
                ? what
                : what + ", scale " + ablation.comparison().scale().orElse("unknown");
    }
}
