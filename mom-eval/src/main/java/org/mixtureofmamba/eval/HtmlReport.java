package org.mixtureofmamba.eval;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The report as one page that needs nothing else: style, curves, pictures and clips are inside it, and no script. */
final class HtmlReport {
    private static final String NOT_MEASURED = "not measured";

    private final Comparison comparison;
    private final List<RunGroup> groups = new ArrayList<>();
    private final StringBuilder page = new StringBuilder();

    private HtmlReport(Comparison comparison) {
        this.comparison = comparison;
        groups.add(comparison.baseline());
        comparison.contenders().forEach(contender -> groups.add(contender.runs()));
    }

    static String write(Comparison comparison, ReportContent content, List<CurveFigure> figures) {
        return new HtmlReport(comparison).write(content, figures);
    }

    private String write(ReportContent content, List<CurveFigure> figures) {
        page.append("""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            """);
        add("<title>%s</title>\n", content.title());
        page.append("<style>\n").append(styleSheet()).append("</style>\n</head>\n<body>\n<main>\n");
        add("<header><h1>%s</h1>\n<p class=\"lead\">%s</p></header>\n", content.title(), lead());
        comparison.contenders().forEach(this::results);
        curves(figures);
        heldOut();
        comparison.contenders().forEach(this::fairPair);
        runs();
        samples(content.samples());
        method();
        return page.append("</main>\n</body>\n</html>\n").toString();
    }

    private String lead() {
        var names = comparison.contenders().stream().map(Contender::name).collect(Collectors.joining(", "));
        int seeds = comparison.baseline().runs().size();
        return "%s against %s%s, %s: how much of the baseline's training each modality needs to reach its final loss."
                .formatted(
                        names,
                        comparison.baseline().name(),
                        comparison
                                .setting()
                                .map(setting -> ", setting " + setting)
                                .orElse(""),
                        seeds == 1 ? "one seed" : seeds + " paired seeds");
    }

    private void results(Contender contender) {
        section("Matched loss", contender);
        if (!contender.fair()) {
            page.append("<p class=\"warning\"><strong>Not a fair pair.</strong> ")
                    .append("The runs differ in more than the model; see below.</p>\n");
        }
        page.append("<div class=\"tiles\">\n");
        contender.rows().stream().filter(row -> row.loss() != LossKind.ALL).forEach(this::tile);
        page.append("</div>\n");
        table(contender);
        note(Tables.method(comparison, contender));
        contender.rows().forEach(row -> Tables.unmatched(row).ifPresent(this::note));
        note(
                comparison.setting().map(PaperFigures::of).orElse(List.of()).isEmpty()
                        ? "The paper's figures of this setting are not known."
                        : "The paper's figures (arXiv 2501.16295) are of its %s models on its own data, not of this size;"
                                        .formatted(PaperFigures.SCALE)
                                + " what it did not publish reads “none known”.");
        page.append("</section>\n");
    }

    private void tile(Row row) {
        var flops = row.costs().get(Cost.FLOPS);
        var wall = row.costs().get(Cost.WALL_CLOCK);
        add(
                "<div class=\"tile\"><h3>%s</h3><p class=\"big\">%s</p>",
                Tables.title(row.loss()), flops.value().text());
        page.append("<p>of the FLOPs").append(interval(flops)).append("</p>").append(ShareBar.draw(flops));
        add("<p>%s of the wall-clock", wall.value().text());
        page.append(interval(wall)).append("</p>");
        add("<p class=\"aside\">slope %s", row.slope().value().text());
        page.append(interval(row.slope())).append("</p></div>\n");
    }

    private static String interval(Estimate estimate) {
        return estimate.interval()
                .map(i -> " <span class=\"interval\">(" + Html.escape(i.text()) + ")</span>")
                .orElse("");
    }

    private void table(Contender contender) {
        var cells = Tables.cells(comparison, contender);
        openTable(Tables.caption(comparison, contender), cells.getFirst());
        for (var row : cells.subList(1, cells.size())) {
            add("<tr><th scope=\"row\">%s</th>", row.getFirst());
            row.stream()
                    .skip(1)
                    .forEach(cell -> page.append("<td>").append(twoLines(cell)).append("</td>"));
            page.append("</tr>\n");
        }
        closeTable();
    }

    /** A figure with its interval, if it has one, on a line of its own. */
    private static String twoLines(String text) {
        int interval = text.indexOf(" (");
        return interval < 0
                ? Html.escape(text)
                : Html.escape(text.substring(0, interval)) + "<br><span class=\"interval\">"
                        + Html.escape(text.substring(interval + 1)) + "</span>";
    }

    private void curves(List<CurveFigure> figures) {
        page.append("<section>\n<h2>Loss curves</h2>\n<div class=\"figures\">\n");
        for (var figure : figures) {
            var id = "f-" + figure.loss().key() + "-" + figure.cost().key();
            var caption = "%s, over %s"
                    .formatted(Tables.title(figure.loss()), figure.cost().title());
            page.append("<figure>").append(CurveSvg.draw(figure, id, caption + ": " + spoken(figure)));
            add("<figcaption>%s</figcaption></figure>\n", caption);
        }
        page.append("</div>\n");
        note(
                "Training loss, running mean over %d steps. Dashed: the baseline's final loss. Dot: where the other meets it."
                        .formatted(comparison.smoothing().window()));
        page.append("</section>\n");
    }

    private String spoken(CurveFigure figure) {
        var needs = new ArrayList<String>();
        for (var contender : comparison.contenders()) {
            contender
                    .row(figure.loss())
                    .ifPresent(row -> needs.add("%s needs %s of %s's %s"
                            .formatted(
                                    contender.name(),
                                    row.costs().get(figure.cost()).text(),
                                    comparison.baseline().name(),
                                    figure.cost().title())));
        }
        return String.join("; ", needs);
    }

    private void heldOut() {
        page.append("<section>\n<h2>Held-out loss</h2>\n");
        if (groups.stream()
                .flatMap(group -> group.runs().stream())
                .allMatch(run -> run.heldOut().isEmpty())) {
            note("No run has a heldout.csv: nothing was held out, or it was not evaluated.");
            page.append("</section>\n");
            return;
        }
        var head = new ArrayList<>(List.of("loss"));
        groups.forEach(group -> head.addAll(List.of(group.name() + ", training", group.name() + ", held out")));
        openTable(
                "Loss on data that was never trained on, beside the training loss at the run's end; nats a token.",
                head);
        for (var loss : comparison.losses()) {
            add("<tr><th scope=\"row\">%s</th>", Tables.title(loss));
            for (var group : groups) {
                add(
                        "<td>%s</td>",
                        mean(group, run -> trainingEnd(run, loss))
                                .map(Tables::loss)
                                .orElse(NOT_MEASURED));
                add(
                        "<td>%s</td>",
                        mean(group, run -> heldOut(run, loss)).map(Tables::loss).orElse(NOT_MEASURED));
            }
            page.append("</tr>\n");
        }
        closeTable();
        page.append("</section>\n");
    }

    private Optional<Double> trainingEnd(Run run, LossKind loss) {
        var smoothed = LossCurve.of(run.metrics(), loss).smoothed(comparison.smoothing());
        return smoothed.length == 0 ? Optional.empty() : Optional.of(smoothed[smoothed.length - 1]);
    }

    private static Optional<Double> heldOut(Run run, LossKind loss) {
        return run.heldOut().flatMap(heldOut -> heldOut.last(loss)).map(HeldOut.Measurement::loss);
    }

    /** The mean over a group's runs, if every run has a value. */
    private static Optional<Double> mean(RunGroup group, Function<Run, Optional<Double>> value) {
        var values = group.runs().stream().map(value).toList();
        return values.stream().allMatch(Optional::isPresent)
                ? Optional.of(
                        values.stream().mapToDouble(Optional::get).average().orElseThrow())
                : Optional.empty();
    }

    private void fairPair(Contender contender) {
        section("Fair pair", contender);
        page.append("<p>Both runs must see the same data in the same order, take as many tokens a step ")
                .append("and follow one schedule.</p>\n<ul class=\"findings\">\n");
        for (var finding : contender.findings()) {
            add(
                    "<li><span class=\"verdict %1$s\">%1$s</span> %2$s</li>\n",
                    finding.verdict().title(), finding.text());
        }
        page.append("</ul>\n</section>\n");
    }

    private void runs() {
        page.append("<section>\n<h2>The runs</h2>\n");
        var head = new ArrayList<>(List.of(""));
        groups.forEach(group -> head.add(group.name()));
        openTable("What was trained" + (comparison.baseline().runs().size() > 1 ? "; means over seeds." : "."), head);
        fact("parameters", Run::parameters, "%,.0f");
        fact("steps", last(Column.STEP), "%,.0f");
        fact("tokens", last(Column.TOKENS), "%,.0f");
        fact("FLOPs", last(Column.FLOPS), "%.4g");
        fact("wall-clock, seconds", last(Column.WALL_S), "%,.1f");
        fact("tokens a second", ratio(Column.TOKENS, Column.WALL_S), "%,.0f");
        fact("FLOPs a second", ratio(Column.FLOPS, Column.WALL_S), "%.3g");
        fact("share of the device's peak", run -> run.metrics().mean(Column.MFU), "%.3f");
        fact("energy, joules", last(Column.ENERGY_J), "%,.0f");
        closeTable();
        for (var group : groups) {
            var facts = new TreeMap<>(group.runs().getFirst().environment());
            if (!facts.isEmpty()) {
                add("<details><summary>Environment of %s</summary><dl>", group.name());
                facts.forEach((key, value) -> add("<dt>%s</dt><dd>%s</dd>", key, value));
                page.append("</dl></details>\n");
            }
        }
        page.append("</section>\n");
    }

    private static Function<Run, OptionalDouble> last(Column column) {
        return run -> run.metrics().last(column);
    }

    private static Function<Run, OptionalDouble> ratio(Column above, Column below) {
        return run -> {
            double x = run.metrics().last(above).orElse(Double.NaN);
            double y = run.metrics().last(below).orElse(Double.NaN);
            return y > 0 ? OptionalDouble.of(x / y) : OptionalDouble.empty();
        };
    }

    private void fact(String name, Function<Run, OptionalDouble> value, String format) {
        add("<tr><th scope=\"row\">%s</th>", name);
        for (var group : groups) {
            var mean = mean(group, run -> value.apply(run).stream().boxed().findFirst());
            add(
                    "<td>%s</td>",
                    mean.map(v -> String.format(Locale.ROOT, format, v)).orElse(NOT_MEASURED));
        }
        page.append("</tr>\n");
    }

    private void samples(List<ReportSample> samples) {
        if (samples.isEmpty()) {
            return;
        }
        page.append("<section>\n<h2>Samples of the data</h2>\n<div class=\"samples\">\n");
        for (var sample : samples) {
            page.append("<figure class=\"sample\">");
            switch (sample) {
                case ReportSample.Image(String caption, byte[] png) ->
                    add("<img alt=\"%s\" src=\"data:image/png;base64,%s\">", caption, base64(png));
                case ReportSample.Clip(String caption, byte[] wav) ->
                    add(
                            "<audio controls preload=\"none\" aria-label=\"%s\""
                                    + " src=\"data:audio/wav;base64,%s\"></audio>",
                            caption, base64(wav));
                case ReportSample.Text(String caption, String text) -> add("<blockquote>%s</blockquote>", text);
            }
            add("<figcaption>%s</figcaption></figure>\n", sample.caption());
        }
        page.append("</div>\n</section>\n");
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private void method() {
        int window = comparison.smoothing().window();
        page.append("<section>\n<h2>How to read this</h2>\n<dl class=\"method\">\n");
        term("target", "The baseline's training loss at its end, as a running mean over %d steps.".formatted(window));
        term("match", """
            The first step at which the other run's running mean is at or under the target and stays so on average for \
            %d steps, interpolated between steps. A run that never gets there is shown as more than what it spent.\
            """.formatted(window));
        term("FLOPs, wall-clock, steps, energy", """
            What the other run had spent at the match, in percent of the baseline's whole run.\
            """);
        term("slope", """
            The same for FLOPs, from a least-squares line through the origin over all losses that both runs reach.\
            """);
        term("gain", """
            The baseline's loss less the other's at the last common step; above 0 the other is better.\
            """);
        term("interval", """
            95 %. Over seeds: Student's t of the paired seeds. With one seed: the noise of the two curves redrawn in \
            blocks of steps, which says nothing of other seeds.\
            """);
        page.append("</dl>\n</section>\n");
    }

    private void term(String term, String meaning) {
        add("<dt>%s</dt><dd>%s</dd>\n", term, meaning);
    }

    private void section(String title, Contender contender) {
        boolean alone = comparison.contenders().size() == 1;
        add("<section>\n<h2>%s</h2>\n", alone ? title : title + ": " + contender.name());
    }

    private void note(String text) {
        add("<p class=\"note\">%s</p>\n", text);
    }

    private void openTable(String caption, List<String> head) {
        add(
                "<div class=\"scroll\" tabindex=\"0\" role=\"region\""
                        + " aria-label=\"%1$s\"><table><caption>%1$s</caption>",
                caption);
        page.append("\n<thead><tr>");
        head.forEach(cell -> add(cell.isEmpty() ? "<td></td>" : "<th scope=\"col\">%s</th>", cell));
        page.append("</tr></thead>\n<tbody>\n");
    }

    private void closeTable() {
        page.append("</tbody></table></div>\n");
    }

    /** Adds markup with texts in its places, each made safe. */
    private void add(String markup, String... texts) {
        Object[] safe = new Object[texts.length];
        for (int i = 0; i < texts.length; i++) {
            safe[i] = Html.escape(texts[i]);
        }
        page.append(markup.formatted(safe));
    }

    private static String styleSheet() {
        try (var in = HtmlReport.class.getResourceAsStream("report.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
