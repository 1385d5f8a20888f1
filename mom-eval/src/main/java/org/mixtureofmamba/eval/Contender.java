package org.mixtureofmamba.eval;

import java.util.List;
import java.util.Optional;

/**
 * A model compared with the baseline.
 *
 * @param runs its runs
 * @param rows a row for each loss that both measured: the modalities, then all tokens
 * @param findings whether the runs are a fair pair, for the first seed; other seeds add what they find amiss
 * @param marks of its runs and of the baseline's that a reader must know of
 * @param clock the step times of both
 */
public record Contender(RunGroup runs, List<Row> rows, List<Finding> findings, List<Mark> marks, Clock clock) {
    /**
     * @param baseline step times of the baseline's first run
     * @param other of this model's first run
     * @param disturbed whether a run of either was not alone on its machine, so that wall-clock is by median steps
     */
    public record Clock(StepTimes baseline, StepTimes other, boolean disturbed) {}

    public Contender {
        rows = List.copyOf(rows);
        findings = List.copyOf(findings);
        marks = List.copyOf(marks);
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

    /** Whether a held-out loss of either model turns upward: such figures stand apart. */
    public boolean memorised() {
        return marks.stream().anyMatch(mark -> mark.kind() == Mark.Kind.MEMORISED);
    }

    /** The signs of the marks, each once; empty if there are none. */
    public String signs() {
        return marks.stream()
                .map(mark -> mark.kind().sign())
                .distinct()
                .sorted()
                .reduce("", String::concat);
    }
}
