package org.mixtureofmamba.eval;

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

/** The files of a comparison: all made in memory, then put in place one by one, the report last. */
final class ReportDirectory {
    static final String REPORT = "report.html";
    private static final String NO_FONTS =
            "the PNG curves were left out, for this machine has no fonts (install fonts-dejavu-core); the report has"
                    + " its own";
    private static final List<Cost> AXES = List.of(Cost.FLOPS, Cost.WALL_CLOCK);

    private ReportDirectory() {}

    static WrittenReport write(Comparison comparison, ReportContent content, Path directory) {
        var contents = render(comparison, content);
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
        return new WrittenReport(directory.resolve(REPORT), files, CurvePng.possible() ? List.of() : List.of(NO_FONTS));
    }

    static Map<String, byte[]> render(Comparison comparison, ReportContent content) {
        var figures = new ArrayList<CurveFigure>();
        for (var loss : comparison.losses()) {
            for (var cost : AXES) {
                CurveFigure.of(comparison, loss, cost).ifPresent(figures::add);
            }
        }
        var files = new LinkedHashMap<String, byte[]>();
        if (CurvePng.possible()) {
            figures.forEach(figure -> files.put(pngName(figure), CurvePng.draw(figure)));
        }
        files.put("matched-loss.csv", utf8(Tables.csv(comparison)));
        files.put("matched-loss.md", utf8(Tables.markdown(comparison)));
        files.put("matched-loss.json", utf8(Tables.json(comparison)));
        files.put(REPORT, utf8(HtmlReport.write(comparison, content, figures)));
        return files;
    }

    private static String pngName(CurveFigure figure) {
        return "curve-%s-%s.png"
                .formatted(figure.loss().key(), figure.cost().key().replace('_', '-'));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
