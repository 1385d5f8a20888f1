package org.mixtureofmamba.eval.report;

import java.util.ArrayList;
import java.util.List;

/** Gathers a section part by part. */
final class SectionBuilder {
    final List<String> warnings = new ArrayList<>();
    final List<Page.Tile> tiles = new ArrayList<>();
    final List<Page.Table> tables = new ArrayList<>();
    final List<Page.Drawing> drawings = new ArrayList<>();
    final List<Page.Verdict> verdicts = new ArrayList<>();
    final List<String> notes = new ArrayList<>();
    final List<Page.Term> terms = new ArrayList<>();
    final List<Page.Details> details = new ArrayList<>();
    final List<Page.Sample> samples = new ArrayList<>();

    private final String heading;

    SectionBuilder(String heading) {
        this.heading = heading;
    }

    Page.Section build() {
        return new Page.Section(
                heading,
                List.copyOf(warnings),
                List.copyOf(tiles),
                List.copyOf(tables),
                List.copyOf(drawings),
                List.copyOf(verdicts),
                List.copyOf(notes),
                List.copyOf(terms),
                List.copyOf(details),
                List.copyOf(samples));
    }
}
