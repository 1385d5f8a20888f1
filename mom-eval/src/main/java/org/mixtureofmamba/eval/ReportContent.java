package org.mixtureofmamba.eval;

import java.util.List;

/**
 * What a report holds beside the comparison.
 *
 * @param title the report's title
 * @param samples of the data, shown at its end; may be empty
 */
public record ReportContent(String title, List<ReportSample> samples) {
    public ReportContent {
        samples = List.copyOf(samples);
    }
}
