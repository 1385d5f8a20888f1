package org.mixtureofmamba.eval;

import java.util.List;
import java.util.Optional;

/**
 * A model compared with the baseline.
 *
 * @param runs its runs
 * @param rows a row for each loss that both measured: the modalities, then all tokens
 * @param findings whether the runs are a fair pair, for the first seed; other seeds add what they find amiss
 */
public record Contender(RunGroup runs, List<Row> rows, List<Finding> findings) {
    public Contender {
        rows = List.copyOf(rows);
        findings = List.copyOf(findings);
    }

    public String name() {
        return runs.name();
    }

    /** The row of a loss. */
    public Optional<Row> row(LossKind kind) {
        return rows.stream().filter(row -> row.loss() == kind).findFirst();
    }

    /** Whether nothing was found that a fair pair has in common and these have not. */
    public boolean fair() {
        return findings.stream().noneMatch(finding -> finding.verdict() == Finding.Verdict.UNFAIR);
    }
}
