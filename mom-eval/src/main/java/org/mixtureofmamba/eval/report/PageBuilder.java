package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Contender;
import org.mixtureofmamba.eval.Cost;
import org.mixtureofmamba.eval.LossKind;
import org.mixtureofmamba.eval.Outcome;
import org.mixtureofmamba.eval.Row;
import org.mixtureofmamba.eval.RunGroup;

/** Puts a report's parts in order. */
final class PageBuilder {
    private final Report report;
    private final ChartPictures pictures;
    private final Templates templates = new Templates();
    private final Map<String, byte[]> files;
    private final boolean png;
    private final List<Page.Section> sections = new ArrayList<>();

    /** @param files gets a PNG of each figure, if {@code png} */
    PageBuilder(Report report, ChartPictures pictures, boolean png, Map<String, byte[]> files) {
        this.png = png;
        this.report = report;
        this.pictures = pictures;
        this.files = files;
    }

    Page build() {
        report.comparisons().forEach(this::matches);
        confirmations();
        scaling();
        report.comparisons().forEach(this::published);
        report.comparisons().forEach(this::routing);
        report.comparisons().forEach(this::curves);
        report.comparisons().forEach(this::fairPairs);
        report.comparisons().forEach(this::runs);
        samples();
        method();
        return new Page(report.title(), lead(), List.copyOf(sections));
    }

    private String lead() {
        var first = report.comparisons().getFirst();
        int seeds = first.baseline().runs().size();
        return "%s against %s%s, %s: how much of the baseline's training each modality needs to reach the loss at which it ended."
                .formatted(
                        first.contenders().stream().map(Contender::name).collect(Collectors.joining(", ")),
                        first.baseline().name(),
                        first.setting().map(setting -> ", setting " + setting).orElse(""),
                        seeds == 1 ? "one seed" : seeds + " paired seeds");
    }

    /** Models that learned their corpus by heart come last, under a heading that says so. */
    private void matches(Comparison comparison) {
        var ordered = comparison.contenders().stream()
                .sorted(Comparator.comparing(Contender::memorised))
                .toList();
        for (var contender : ordered) {
            var what = contender.memorised() ? "Learned by heart: " + contender.name() : "Matched loss";
            var section = new SectionBuilder(
                    contender.memorised() ? heading(what, comparison) : heading(what, comparison, contender));
            section.warnings.addAll(Tables.warnings(comparison, contender));
            contender.rows().stream()
                    .filter(row -> row.loss() != LossKind.ALL)
                    .forEach(row -> row.headline().ifPresent(_ -> section.tiles.add(tile(row))));
            section.tables.add(Tables.matches(comparison, contender));
            section.tables.add(Tables.losses(comparison, contender));
            Tables.sureness(comparison, contender).ifPresent(section.tables::add);
            section.notes.addAll(Tables.notes(contender));
            sections.add(section.build());
        }
    }

    private Page.Tile tile(Row row) {
        var headline = row.headline().orElseThrow();
        boolean heldOut = row.heldOut() instanceof Outcome.Read;
        var flops = headline.costs().get(Cost.FLOPS);
        var asides = new ArrayList<Page.Cell>();
        var wall = Tables.cell(headline.costs().get(Cost.WALL_CLOCK));
        asides.add(new Page.Cell(wall.text() + " of the wall-clock", wall.aside()));
        if (heldOut) {
            row.training()
                    .matched()
                    .map(matched -> Tables.cell(matched.costs().get(Cost.FLOPS)))
                    .ifPresent(cell -> asides.add(new Page.Cell("training loss: " + cell.text(), cell.aside())));
        }
        var slope = Tables.slope(row);
        asides.add(new Page.Cell("slope: " + slope.text(), slope.aside()));
        return new Page.Tile(
                row.loss().title(),
                Tables.cell(flops),
                "of the FLOPs, " + (heldOut ? "held-out" : "training") + " loss",
                templates.fill("bar.svg.ftl", Map.of("bar", ShareBar.of(flops))),
                asides);
    }

    private void confirmations() {
        if (!report.confirmations().isEmpty()) {
            var section = new SectionBuilder("Put to the test");
            report.confirmations()
                    .forEach(tried -> section.verdicts.add(
                            tried.lands()
                                    ? new Page.Verdict("equal", "confirmed", tried.text())
                                    : new Page.Verdict("unfair", "not confirmed", tried.text())));
            sections.add(section.build());
        }
    }

    private void scaling() {
        if (report.comparisons().size() < 2) {
            return;
        }
        var section = new SectionBuilder("Share against scale");
        report.comparisons().stream()
                .flatMap(comparison -> comparison.contenders().stream())
                .map(Contender::name)
                .distinct()
                .forEach(model -> Charts.scaling(report.comparisons(), model)
                        .ifPresent(chart -> section.drawings.add(drawing(
                                chart,
                                "FLOPs that %s needs, whiskers: 95 %%".formatted(model),
                                provenance(report.comparisons())))));
        if (!section.drawings.isEmpty()) {
            sections.add(section.build());
        }
    }

    private void published(Comparison comparison) {
        var setting = comparison.setting();
        boolean first = report.comparisons().indexOf(comparison) == 0;
        if (setting.isEmpty() || !first) {
            return;
        }
        var section = new SectionBuilder("Beside published figures");
        section.tables.add(Tables.published(report.comparisons(), setting.get()));
        section.notes.addAll(marks(report.comparisons()));
        sections.add(section.build());
    }

    private static List<String> marks(List<Comparison> comparisons) {
        return comparisons.stream()
                .flatMap(comparison -> comparison.contenders().stream())
                .flatMap(contender -> contender.marks().stream())
                .map(mark -> mark.kind().sign() + " " + mark.text() + ".")
                .distinct()
                .toList();
    }

    private void routing(Comparison comparison) {
        for (var contender : comparison.contenders()) {
            Tables.routing(comparison, contender).ifPresent(table -> {
                var section =
                        new SectionBuilder(heading("Where the router sends tokens: " + contender.name(), comparison));
                section.tables.add(table);
                section.notes.add(
                        "A router numbers its experts as it likes; here those of each block are in the order in which most of"
                                + " each modality is at its own. Found: the mean over modalities of what their own experts got; 100 % is a"
                                + " split by modality, and a router that ignores modalities is at %.0f %% or a little above."
                                        .formatted(100.0 / (table.head().size() > 6 ? 3 : 2)));
                sections.add(section.build());
            });
        }
    }

    private void curves(Comparison comparison) {
        var section = new SectionBuilder(heading("Curves", comparison));
        var provenance = provenance(List.of(comparison));
        for (var loss : comparison.losses()) {
            for (var chart : Charts.curves(comparison, loss)) {
                section.drawings.add(drawing(chart, chart.title() + ", over " + chart.xTitle(), provenance));
            }
        }
        for (var contender : comparison.contenders()) {
            Charts.along(comparison, contender)
                    .ifPresent(chart -> section.drawings.add(drawing(
                            chart,
                            "%s: the training match read at earlier ends".formatted(contender.name()),
                            provenance)));
        }
        section.notes.add(
                "Training losses are drawn as a running mean over 1 % of the run; the match is not read from it but from the"
                        + " paired difference. Dashed: where the baseline ended. Dot: where the other run met it.");
        section.notes.addAll(marks(List.of(comparison)));
        sections.add(section.build());
    }

    private Page.Drawing drawing(Chart chart, String caption, String provenance) {
        var file = "";
        if (png) {
            file = chart.id() + ".png";
            files.put(file, pictures.png(chart));
        }
        return new Page.Drawing(pictures.svg(chart), file, caption, provenance);
    }

    private static String provenance(List<Comparison> comparisons) {
        return comparisons.stream()
                .flatMap(comparison -> Stream.concat(
                        Stream.of(comparison.baseline()),
                        comparison.contenders().stream().map(Contender::runs)))
                .map(group ->
                        "%s: %s".formatted(group.name(), group.runs().getFirst().provenance()))
                .distinct()
                .collect(Collectors.joining(". "));
    }

    private void fairPairs(Comparison comparison) {
        for (var contender : comparison.contenders()) {
            var section = new SectionBuilder(heading("Fair pair", comparison, contender));
            contender
                    .findings()
                    .forEach(finding -> section.verdicts.add(new Page.Verdict(
                            finding.verdict().title(), finding.verdict().title(), finding.text())));
            sections.add(section.build());
        }
    }

    private void runs(Comparison comparison) {
        var section = new SectionBuilder(heading("The runs", comparison));
        section.tables.add(Tables.runs(comparison));
        section.notes.addAll(marks(List.of(comparison)));
        var groups = new ArrayList<RunGroup>();
        groups.add(comparison.baseline());
        comparison.contenders().forEach(contender -> groups.add(contender.runs()));
        for (var group : groups) {
            var facts = new TreeMap<>(group.runs().getFirst().environment());
            if (!facts.isEmpty()) {
                section.details.add(new Page.Details(
                        "Environment of " + group.name(),
                        facts.entrySet().stream()
                                .map(fact -> new Page.Term(fact.getKey(), fact.getValue()))
                                .toList()));
            }
        }
        sections.add(section.build());
    }

    private void samples() {
        if (report.samples().isEmpty()) {
            return;
        }
        var section = new SectionBuilder("Samples of the data");
        for (var sample : report.samples()) {
            section.samples.add(
                    switch (sample) {
                        case ReportSample.Image(String caption, byte[] png) ->
                            new Page.Sample(
                                    "image", caption, Base64.getEncoder().encodeToString(png));
                        case ReportSample.Clip(String caption, byte[] wav) ->
                            new Page.Sample("clip", caption, Base64.getEncoder().encodeToString(wav));
                        case ReportSample.Text(String caption, String text) -> new Page.Sample("text", caption, text);
                    });
        }
        sections.add(section.build());
    }

    private void method() {
        var section = new SectionBuilder("How to read this");
        var tail = String.format(
                Locale.ROOT,
                "%.0f %%",
                100 * report.comparisons().getFirst().options().tail());
        section.terms.add(new Page.Term("held-out match", """
                The step at which the other run's held-out loss, interpolated monotonically between its evaluations, came \
                to the held-out loss at which the baseline ended. These curves carry almost no noise: it is the headline.\
                """));
        section.terms.add(new Page.Term("training match", """
                Both runs see the same batches, so the difference of their losses is known well where neither loss is. \
                The gain is that difference at the end, by a line through the last %s of the run; the match is where the \
                other run's own smooth curve is as far above its end as the gain.\
                """.formatted(tail)));
        section.terms.add(new Page.Term("FLOPs, wall-clock, steps, energy", """
                What the other run had spent at the match, in percent of the baseline's whole run. “> 100 %” says that it \
                never came there.\
                """));
        section.terms.add(new Page.Term("slope", """
                The same for FLOPs from a line through the origin over all losses that both come to, with how much of the \
                baseline's range of losses it covers.\
                """));
        section.terms.add(new Page.Term("interval", """
                95 %. Over seeds: Student's t of the logarithms of the paired seeds' shares. With one seed: the noise of \
                the two curves redrawn in blocks of steps, which says nothing of other seeds.\
                """));
        sections.add(section.build());
    }

    private String heading(String what, Comparison comparison) {
        return report.comparisons().size() == 1
                ? what
                : what + ", scale " + comparison.scale().orElse("unknown");
    }

    private String heading(String what, Comparison comparison, Contender contender) {
        return heading(comparison.contenders().size() == 1 ? what : what + ": " + contender.name(), comparison);
    }

    static String resource(String name) {
        try (var in = PageBuilder.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
