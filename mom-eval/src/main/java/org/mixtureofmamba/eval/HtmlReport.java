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

/** The report as one page that needs nothing else: style, curves, pictures and clips are inside it, and no script. */
final class HtmlReport {
    private final Comparison comparison;
    private final StringBuilder page = new StringBuilder();

    private HtmlReport(Comparison comparison) {
        this.comparison = comparison;
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
                <title>%s</title>
                <style>
                %s</style>
                </head>
                <body>
                <main>
                """.formatted(Html.escape(content.title()), styleSheet()));
        page.append("<header><h1>%s</h1>\n<p class=\"lead\">%s</p></header>\n".formatted(
                Html.escape(content.title()), Html.escape(lead())));
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
        var names = String.join(", ", comparison.contenders().stream().map(Contender::name).toList());
        int seeds = comparison.baseline().runs().size();
        return "%s against %s%s, %s: how much of the baseline's training each modality needs to reach the baseline's final loss.".formatted(
                names, comparison.baseline().name(),
                comparison.setting().map(setting -> ", setting " + setting).orElse(""),
                seeds == 1 ? "one seed" : seeds + " paired seeds");
    }

    private void results(Contender contender) {
        page.append("<section>\n<h2>%s</h2>\n".formatted(
                comparison.contenders().size() == 1 ? "Matched loss" : "Matched loss: " + Html.escape(contender.name())));
        if (!contender.fair()) {
            page.append("<p class=\"warning\"><strong>Not a fair pair.</strong> The runs differ in more than the model; see below.</p>\n");
        }
        page.append("<div class=\"tiles\">\n");
        contender.rows().stream().filter(row -> row.loss() != LossKind.ALL).forEach(row -> tile(contender, row));
        page.append("</div>\n");
        table(contender);
        page.append("<p class=\"note\">%s</p>\n".formatted(Html.escape(Tables.method(comparison, contender))));
        var unmatched = contender.rows().stream().flatMap(row -> Tables.unmatched(row).stream()).toList();
        if (!unmatched.isEmpty()) {
            page.append("<p class=\"note\">%s.</p>\n".formatted(Html.escape(String.join("; ", unmatched))));
        }
        paper();
        page.append("</section>\n");
    }

    private void tile(Contender contender, Row row) {
        var flops = row.costs().get(Cost.FLOPS);
        var wall = row.costs().get(Cost.WALL_CLOCK);
        page.append("<div class=\"tile\"><h3>%s</h3><p class=\"big\">%s</p><p>of the FLOPs%s</p>%s<p>%s of the wall-clock%s</p></div>\n".formatted(
                Html.escape(Tables.title(row.loss())), Html.escape(flops.value().text()), interval(flops), bar(flops, contender, row),
                Html.escape(wall.value().text()), interval(wall)));
    }

    private static String interval(Estimate estimate) {
        return estimate.interval().map(i -> " <span class=\"interval\">(" + Html.escape(i.text()) + ")</span>").orElse("");
    }

    /** A share drawn on a track whose tick is the baseline's 100 %, with its interval. */
    private static String bar(Estimate estimate, Contender contender, Row row) {
        double scale = 200.0 / 125;
        double value = Math.min(125, percent(estimate.value()));
        var svg = new StringBuilder("<svg class=\"bar\" viewBox=\"0 0 200 16\" role=\"img\" aria-label=\"%s, %s: %s\">".formatted(
                Html.escape(contender.name()), row.loss().key(), Html.escape(estimate.text())));
        svg.append("<rect class=\"track\" x=\"0\" y=\"5\" width=\"200\" height=\"6\" rx=\"3\"/>");
        svg.append(String.format(Locale.ROOT, "<rect class=\"%s\" x=\"0\" y=\"5\" width=\"%.1f\" height=\"6\" rx=\"3\"/>",
                estimate.value() instanceof Share.Of ? "fill" : "fill open", value * scale));
        estimate.interval().ifPresent(i -> {
            double low = Math.max(0, percent(i.low())) * scale;
            double high = i.high() instanceof Share.MoreThan ? 200 : Math.min(125, percent(i.high())) * scale;
            svg.append(String.format(Locale.ROOT,
                    "<path class=\"whisker\" d=\"M%.1f 2v12M%.1f 8H%.1f\"/>", low, low, high));
            svg.append(i.high() instanceof Share.MoreThan ? "" : String.format(Locale.ROOT, "<path class=\"whisker\" d=\"M%.1f 2v12\"/>", high));
        });
        return svg.append(String.format(Locale.ROOT, "<path class=\"hundred\" d=\"M%.1f 0v16\"/></svg>", 100 * scale)).toString();
    }

    private static double percent(Share share) {
        return switch (share) {
            case Share.Of(double percent) -> percent;
            case Share.MoreThan(double percent) -> percent;
            case Share.NotMeasured() -> 0;
        };
    }

    private void table(Contender contender) {
        openTable(Tables.caption(comparison, contender));
        var cells = Tables.cells(comparison, contender);
        for (int i = 0; i < cells.size(); i++) {
            page.append(i == 0 ? "<thead><tr>" : "<tr>");
            for (int j = 0; j < cells.get(i).size(); j++) {
                var cell = cell(cells.get(i).get(j));
                page.append(i == 0 ? "<th scope=\"col\">" + cell + "</th>"
                        : j == 0 ? "<th scope=\"row\">" + cell + "</th>" : "<td>" + cell + "</td>");
            }
            page.append(i == 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n");
        }
        page.append("</tbody></table></div>\n");
    }

    /** A figure with its interval, if it has one, on a line of its own. */
    private static String cell(String text) {
        int interval = text.indexOf(" (");
        return interval < 0
                ? Html.escape(text)
                : Html.escape(text.substring(0, interval)) + "<br><span class=\"interval\">"
                        + Html.escape(text.substring(interval + 1)) + "</span>";
    }

    private void paper() {
        var figures = comparison.setting().map(PaperFigures::of).orElse(List.of());
        var known = figures.isEmpty()
                ? "The paper's figures of this setting are not known."
                : "The paper's figures (arXiv 2501.16295) are of its " + PaperFigures.SCALE
                        + " models on its own data, not of models of this size; those not published are left as “none known”.";
        page.append("<p class=\"note\">%s</p>\n".formatted(Html.escape(known)));
    }

    private void curves(List<CurveFigure> figures) {
        page.append("<section>\n<h2>Loss curves</h2>\n<div class=\"figures\">\n");
        for (var figure : figures) {
            var id = "f-" + figure.loss().key() + "-" + figure.cost().key();
            var caption = "%s, over %s".formatted(Tables.title(figure.loss()), figure.cost().title());
            var spoken = caption + ": " + String.join("; ", comparison.contenders().stream()
                    .flatMap(contender -> contender.row(figure.loss()).stream().map(row -> "%s needs %s of %s's %s".formatted(
                            contender.name(), row.costs().get(figure.cost()).text(), comparison.baseline().name(),
                            figure.cost().title())))
                    .toList());
            page.append("<figure>").append(CurveSvg.draw(figure, id, spoken))
                    .append("<figcaption>").append(Html.escape(caption)).append("</figcaption></figure>\n");
        }
        page.append("</div>\n<p class=\"note\">Training loss, running mean over %d steps. Dashed: the baseline's final loss. Dot: where the other run reaches it.</p>\n</section>\n"
                .formatted(comparison.smoothing().window()));
    }

    private void heldOut() {
        var groups = groups();
        page.append("<section>\n<h2>Held-out loss</h2>\n");
        if (groups.stream().allMatch(group -> group.runs().stream().allMatch(run -> run.heldOut().isEmpty()))) {
            page.append("<p class=\"note\">No run has a heldout.csv: nothing was held out, or it was not evaluated.</p>\n</section>\n");
            return;
        }
        openTable("Loss on data that was never trained on, beside the training loss at the end of the run; nats a token.");
        page.append("<thead><tr><th scope=\"col\">loss</th>");
        groups.forEach(group -> page.append("<th scope=\"col\">%1$s, training</th><th scope=\"col\">%1$s, held out</th>".formatted(
                Html.escape(group.name()))));
        page.append("</tr></thead>\n<tbody>\n");
        for (var loss : comparison.losses()) {
            page.append("<tr><th scope=\"row\">").append(Tables.title(loss)).append("</th>");
            for (var group : groups) {
                page.append("<td>").append(mean(group, run -> trainingEnd(run, loss)).map(Tables::loss).orElse("not measured"))
                        .append("</td><td>")
                        .append(mean(group, run -> run.heldOut().flatMap(h -> h.last(loss)).map(HeldOut.Measurement::loss))
                                .map(Tables::loss).orElse("not measured"))
                        .append("</td>");
            }
            page.append("</tr>\n");
        }
        page.append("</tbody></table></div>\n</section>\n");
    }

    private Optional<Double> trainingEnd(Run run, LossKind loss) {
        var curve = LossCurve.of(run.metrics(), loss);
        return curve.size() == 0 ? Optional.empty() : Optional.of(curve.smoothed(comparison.smoothing())[curve.size() - 1]);
    }

    /** The mean over a group's runs, if every run has a value. */
    private static Optional<Double> mean(RunGroup group, Function<Run, Optional<Double>> value) {
        var values = group.runs().stream().map(value).toList();
        return values.stream().allMatch(Optional::isPresent)
                ? Optional.of(values.stream().mapToDouble(Optional::get).average().orElseThrow())
                : Optional.empty();
    }

    private void fairPair(Contender contender) {
        page.append("<section>\n<h2>Fair pair%s</h2>\n<p>Both runs must see the same data in the same order, take as many tokens a step and follow one schedule.</p>\n<ul class=\"findings\">\n"
                .formatted(comparison.contenders().size() == 1 ? "" : ": " + Html.escape(contender.name())));
        contender.findings().forEach(finding -> page.append("<li><span class=\"verdict %1$s\">%1$s</span> %2$s</li>\n".formatted(
                finding.verdict().title(), Html.escape(finding.text()))));
        page.append("</ul>\n</section>\n");
    }

    private void runs() {
        var groups = groups();
        page.append("<section>\n<h2>The runs</h2>\n");
        openTable("What was trained" + (comparison.baseline().runs().size() > 1 ? "; means over seeds." : "."));
        page.append("<thead><tr><th scope=\"col\"></th>");
        groups.forEach(group -> page.append("<th scope=\"col\">").append(Html.escape(group.name())).append("</th>"));
        page.append("</tr></thead>\n<tbody>\n");
        fact("parameters", groups, Run::parameters, "%,.0f");
        fact("steps", groups, last(Column.STEP), "%,.0f");
        fact("tokens", groups, last(Column.TOKENS), "%,.0f");
        fact("FLOPs", groups, last(Column.FLOPS), "%.4g");
        fact("wall-clock, seconds", groups, last(Column.WALL_S), "%,.1f");
        fact("tokens a second", groups, ratio(Column.TOKENS, Column.WALL_S), "%,.0f");
        fact("FLOPs a second", groups, ratio(Column.FLOPS, Column.WALL_S), "%.3g");
        fact("energy, joules", groups, last(Column.ENERGY_J), "%,.0f");
        page.append("</tbody></table></div>\n");
        for (var group : groups) {
            var facts = new TreeMap<>(group.runs().getFirst().environment());
            if (facts.isEmpty()) {
                continue;
            }
            page.append("<details><summary>Environment of %s</summary><dl>".formatted(Html.escape(group.name())));
            facts.forEach((key, value) -> page.append("<dt>%s</dt><dd>%s</dd>".formatted(Html.escape(key), Html.escape(value))));
            page.append("</dl></details>\n");
        }
        page.append("</section>\n");
    }

    private static Function<Run, OptionalDouble> last(Column column) {
        return run -> run.metrics().last(column);
    }

    private static Function<Run, OptionalDouble> ratio(Column above, Column below) {
        return run -> {
            var x = run.metrics().last(above);
            var y = run.metrics().last(below);
            return x.isPresent() && y.isPresent() && y.getAsDouble() > 0
                    ? OptionalDouble.of(x.getAsDouble() / y.getAsDouble())
                    : OptionalDouble.empty();
        };
    }

    private void fact(String name, List<RunGroup> groups, Function<Run, OptionalDouble> value, String format) {
        page.append("<tr><th scope=\"row\">").append(name).append("</th>");
        for (var group : groups) {
            page.append("<td>").append(mean(group, run -> value.apply(run).stream().boxed().findFirst())
                    .map(v -> String.format(Locale.ROOT, format, v)).orElse("not measured")).append("</td>");
        }
        page.append("</tr>\n");
    }

    private void samples(List<ReportSample> samples) {
        if (samples.isEmpty()) {
            return;
        }
        page.append("<section>\n<h2>Samples of the data</h2>\n<div class=\"samples\">\n");
        for (var sample : samples) {
            var caption = Html.escape(sample.caption());
            page.append("<figure class=\"sample\">").append(switch (sample) {
                case ReportSample.Image(String text, byte[] png) ->
                        "<img alt=\"%s\" src=\"data:image/png;base64,%s\">".formatted(caption, base64(png));
                case ReportSample.Clip(String text, byte[] wav) ->
                        "<audio controls preload=\"none\" aria-label=\"%s\" src=\"data:audio/wav;base64,%s\"></audio>".formatted(caption, base64(wav));
                case ReportSample.Text(String title, String text) -> "<blockquote>%s</blockquote>".formatted(Html.escape(text));
            }).append("<figcaption>").append(caption).append("</figcaption></figure>\n");
        }
        page.append("</div>\n</section>\n");
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private void method() {
        page.append("""
                <section>
                <h2>How to read this</h2>
                <dl class="method">
                <dt>target</dt><dd>The baseline's training loss at its end, as a running mean over %1$d steps.</dd>
                <dt>match</dt><dd>The first step at which the other run's running mean is at or under the target and stays so on average for %1$d
                steps, interpolated between steps. A run that never gets there is shown as more than what it spent.</dd>
                <dt>FLOPs, wall-clock, steps, energy</dt><dd>What the other run had spent at the match, in percent of the baseline's whole run.</dd>
                <dt>slope</dt><dd>The same for FLOPs, from a least-squares line through the origin over all losses that both runs reach.</dd>
                <dt>gain</dt><dd>The baseline's loss less the other's at the last common step; above 0 the other is better.</dd>
                <dt>interval</dt><dd>95 %%. Over seeds: Student's t of the paired seeds. With one seed: the noise of the two curves redrawn in
                blocks of steps, which says nothing of other seeds.</dd>
                </dl>
                </section>
                """.formatted(comparison.smoothing().window()));
    }

    private List<RunGroup> groups() {
        var groups = new ArrayList<RunGroup>();
        groups.add(comparison.baseline());
        comparison.contenders().forEach(contender -> groups.add(contender.runs()));
        return groups;
    }

    private void openTable(String caption) {
        page.append("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%1$s\"><table><caption>%1$s</caption>\n".formatted(
                Html.escape(caption)));
    }

    private static String styleSheet() {
        try (var in = HtmlReport.class.getResourceAsStream("report.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
