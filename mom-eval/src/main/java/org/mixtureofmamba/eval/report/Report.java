package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Confirmation;

/**
 * Comparisons written out: one self-contained HTML page, the same as Markdown and LaTeX, the results as CSV and JSON,
 * and a PNG of each figure.
 *
 * @param title of the report
 * @param comparisons one for each scale of one setting, at least one; several are drawn over their scale too
 * @param samples of the data or of what models made, at the report's end; may be empty
 * @param confirmations matches that were put to the test; may be empty
 */
public record Report(
        String title, List<Comparison> comparisons, List<ReportSample> samples, List<Confirmation> confirmations) {
    static final String PAGE = "report.html";
    private static final String NO_FONTS =
            "the PNG figures were left out, for this machine has no fonts (install fonts-dejavu-core); the report has"
                    + " its own";

    public Report {
        comparisons = List.copyOf(comparisons);
        samples = List.copyOf(samples);
        confirmations = List.copyOf(confirmations);
        if (comparisons.isEmpty()) {
            throw new UserException("nothing to report; give a comparison");
        }
    }

    public Report(String title, Comparison comparison) {
        this(title, List.of(comparison), List.of(), List.of());
    }

    /** The tables for a terminal. */
    public String text() {
        return TextTables.of(this);
    }

    /** The results for a program, as a JSON object. */
    public String json() {
        return ResultJson.of(this);
    }

    /** The results for a spreadsheet: a row for each scale, model and loss. */
    public String csv() {
        return ResultCsv.of(this);
    }

    /**
     * Writes every file into a directory, which is made if need be. All are made in memory first, then each appears
     * whole, the page last.
     *
     * @return what was written
     * @throws FailureException if the disk refuses
     */
    public WrittenReport write(Path directory) {
        var contents = render();
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new FailureException("cannot make the directory %s; choose another place".formatted(directory), e);
        }
        var files = new ArrayList<Path>();
        contents.forEach((name, bytes) -> {
            AtomicFiles.write(directory.resolve(name), out -> out.write(bytes));
            files.add(directory.resolve(name));
        });
        return new WrittenReport(
                directory.resolve(PAGE), files, ChartPictures.possible() ? List.of() : List.of(NO_FONTS));
    }

    Map<String, byte[]> render() {
        var templates = new Templates();
        var pictures = new ChartPictures(templates);
        boolean png = ChartPictures.possible();
        var files = new LinkedHashMap<String, byte[]>();
        var page = new PageBuilder(this, pictures, png, files).build();
        var style = PageBuilder.resource("report.css") + pictures.pageStyle();
        var values = Map.of("page", page, "style", style);
        files.put("matched-loss.csv", utf8(csv()));
        files.put("matched-loss.json", utf8(json()));
        files.put("matched-loss.md", utf8(templates.fill("report.md.ftl", values)));
        files.put("matched-loss.tex", utf8(templates.fill("report.tex.ftl", values)));
        files.put(PAGE, utf8(templates.fill("report.html.ftl", values)));
        return files;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
