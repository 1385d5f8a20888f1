package org.mixtureofmamba.eval.report;

import java.util.List;

/** A report as texts and numbers ready to be laid out; what HTML, Markdown and LaTeX share. */
public record Page(String title, String lead, List<Section> sections) {
    /** One chapter; whatever it has of each stands in this order. */
    public record Section(
            String heading,
            List<String> warnings,
            List<Tile> tiles,
            List<Table> tables,
            List<Drawing> drawings,
            List<Verdict> verdicts,
            List<String> notes,
            List<Term> terms,
            List<Details> details,
            List<Sample> samples) {}

    /** The first thing seen of a loss: a share, drawn. */
    public record Tile(String title, Cell big, String of, String bar, List<Cell> asides) {}

    /** @param head one text a column; the first column names the rows */
    public record Table(String id, String caption, List<String> head, List<List<Cell>> rows) {}

    /** @param aside an interval or the like, smaller; may be empty */
    public record Cell(String text, String aside) {
        static Cell of(String text) {
            return new Cell(text, "");
        }

        /** Both on one line. */
        public String line() {
            return aside.isEmpty() ? text : text + " (" + aside + ")";
        }
    }

    /**
     * A figure.
     *
     * @param svg for a page with the page's colours
     * @param file the PNG that lies beside the report, empty if there is none
     * @param provenance what it was made from
     */
    public record Drawing(String svg, String file, String caption, String provenance) {}

    /**
     * What a check found.
     *
     * @param kind equal, compared, caution, unfair or unknown: how it is coloured
     * @param word what is said of it
     */
    public record Verdict(String kind, String word, String text) {}

    /** A name and what it means or is. */
    public record Term(String name, String text) {}

    /** Facts folded away. */
    public record Details(String summary, List<Term> facts) {}

    /** @param kind image, clip or text; the first two hold base64 */
    public record Sample(String kind, String caption, String content) {}
}
