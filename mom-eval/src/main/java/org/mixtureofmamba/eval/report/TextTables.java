package org.mixtureofmamba.eval.report;

import java.util.stream.IntStream;

/** The tables for a terminal, in columns. */
final class TextTables {
    private TextTables() {}

    static String of(Report report) {
        var text = new StringBuilder();
        for (var comparison : report.comparisons()) {
            for (var contender : comparison.contenders()) {
                if (contender.memorised()) {
                    text.append("Learned by heart: ").append(contender.name()).append('\n');
                }
                add(text, Tables.matches(comparison, contender));
                add(text, Tables.losses(comparison, contender));
                Tables.notes(contender).forEach(note -> text.append(note).append('\n'));
                Tables.warnings(comparison, contender)
                        .forEach(warning -> text.append(warning).append('\n'));
                text.append('\n');
            }
        }
        report.confirmations().forEach(tried -> text.append(tried.text()).append('\n'));
        return text.toString();
    }

    static void add(StringBuilder text, Page.Table table) {
        text.append(table.caption()).append("\n\n");
        var widths = IntStream.range(0, table.head().size())
                .map(column -> Math.max(
                        table.head().get(column).length(),
                        table.rows().stream()
                                .mapToInt(row -> row.get(column).line().length())
                                .max()
                                .orElse(0)))
                .toArray();
        add(text, table.head().toArray(String[]::new), widths);
        for (var row : table.rows()) {
            add(text, row.stream().map(Page.Cell::line).toArray(String[]::new), widths);
        }
        text.append('\n');
    }

    private static void add(StringBuilder text, String[] cells, int[] widths) {
        for (int i = 0; i < cells.length; i++) {
            var padding = " ".repeat(widths[i] - cells[i].length());
            text.append(i == 0 ? cells[i] + padding : "  " + padding + cells[i]);
        }
        text.append('\n');
    }
}
