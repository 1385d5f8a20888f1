package org.mixtureofmamba.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Whether two runs differ in the model alone: same data in the same order, same tokens a step, same schedule, same
 * number of steps, a model of the same sizes. What metrics show is checked always, what only a configuration shows
 * where both runs have one.
 */
final class FairPair {
    private static final double SAME = 1e-6;
    /** Keys that name a run or say how often it writes: no part of what it computes. */
    private static final List<String> NAMES = List.of("run", "checkpoint");
    /** Keys that change how fast a run is, or how much of the held-out data it was tried on, not what it learns. */
    private static final List<String> CIRCUMSTANCES = List.of("backend", "eval");
    /** The circumstances that do change what is learnt, or what a step costs. */
    private static final Set<String> NUMERICS = Set.of("backend.precision", "backend.name");
    /** What is compared: the kind of model, and which projections a mixture splits. */
    private static final Set<String> COMPARED = Set.of("model.kind", "model.split");

    private FairPair() {}

    static List<Finding> check(RunPair pair) {
        var findings = new ArrayList<Finding>();
        checkData(pair, findings);
        checkSteps(pair, findings);
        checkGrid(pair, findings);
        checkColumn(pair, Column.TOKENS, "tokens a step", findings);
        checkColumn(pair, Column.LR, "learning-rate schedule", findings);
        checkFlops(pair, findings);
        checkConfig(pair, findings);
        checkEnvironment(pair, findings);
        return List.copyOf(findings);
    }

    private static void checkSteps(RunPair pair, List<Finding> findings) {
        double first = pair.baseline().metrics().last(Column.STEP).orElseThrow();
        double second = pair.other().metrics().last(Column.STEP).orElseThrow();
        findings.add(
                first == second
                        ? new Finding(Finding.Verdict.EQUAL, "steps: %,.0f".formatted(first))
                        : new Finding(Finding.Verdict.UNFAIR, "steps: %,.0f and %,.0f".formatted(first, second)));
    }

    private static void checkData(RunPair pair, List<Finding> findings) {
        var first = pair.baseline().fingerprint();
        var second = pair.other().fingerprint();
        if (first.isEmpty() || second.isEmpty()) {
            findings.add(new Finding(
                    Finding.Verdict.UNKNOWN, "data: no checkpoint of both runs tells the fingerprint of its data"));
        } else if (first.equals(second)) {
            findings.add(new Finding(Finding.Verdict.EQUAL, "data: fingerprint " + first.get()));
        } else {
            findings.add(new Finding(
                    Finding.Verdict.UNFAIR, "data: fingerprints %s and %s".formatted(first.get(), second.get())));
        }
    }

    private static void checkGrid(RunPair pair, List<Finding> findings) {
        var first = pair.baseline().metrics().column(Column.STEP);
        var second = pair.other().metrics().column(Column.STEP);
        int both = Math.min(first.length, second.length);
        for (int i = 0; i < both; i++) {
            if (first[i] != second[i]) {
                findings.add(new Finding(
                        Finding.Verdict.UNFAIR,
                        "logged steps: differ from row %d on (%.0f and %.0f)".formatted(i + 1, first[i], second[i])));
                return;
            }
        }
        findings.add(new Finding(Finding.Verdict.EQUAL, "logged steps: the same %,d".formatted(both)));
    }

    /** Compares a column at the steps that both runs logged. */
    private static void checkColumn(RunPair pair, Column column, String what, List<Finding> findings) {
        var first = pair.baseline().metrics();
        var second = pair.other().metrics();
        if (!first.has(column) || !second.has(column)) {
            findings.add(new Finding(Finding.Verdict.UNKNOWN, what + ": not in both metrics"));
            return;
        }
        int common = 0;
        for (int i = 0, j = 0; i < first.rows() && j < second.rows(); ) {
            double a = first.column(Column.STEP)[i];
            double b = second.column(Column.STEP)[j];
            if (a < b) {
                i++;
            } else if (b < a) {
                j++;
            } else {
                double x = first.column(column)[i++];
                double y = second.column(column)[j++];
                common++;
                if (Math.abs(x - y) > SAME * Math.max(Math.abs(x), Math.abs(y))) {
                    findings.add(new Finding(
                            Finding.Verdict.UNFAIR,
                            "%s: differ from step %.0f on (%s: %s and %s)".formatted(what, a, column.key(), x, y)));
                    return;
                }
            }
        }
        findings.add(
                common == 0
                        ? new Finding(Finding.Verdict.UNKNOWN, what + ": the runs log no step in common")
                        : new Finding(Finding.Verdict.EQUAL, "%s: at %,d common steps".formatted(what, common)));
    }

    private static void checkFlops(RunPair pair, List<Finding> findings) {
        double first = perToken(pair.baseline().metrics());
        double second = perToken(pair.other().metrics());
        findings.add(
                Math.abs(first - second) <= SAME * first
                        ? new Finding(Finding.Verdict.EQUAL, "FLOPs a token: %.4g".formatted(first))
                        : new Finding(
                                Finding.Verdict.COMPARED, "FLOPs a token: %.4g and %.4g".formatted(first, second)));
    }

    private static double perToken(RunMetrics metrics) {
        return metrics.last(Column.FLOPS).orElseThrow()
                / metrics.last(Column.TOKENS).orElseThrow();
    }

    private static void checkConfig(RunPair pair, List<Finding> findings) {
        var first = pair.baseline().config();
        var second = pair.other().config();
        if (first.isEmpty() || second.isEmpty()) {
            findings.add(
                    new Finding(Finding.Verdict.UNKNOWN, "data, order and optimizer: no config.yaml in both runs"));
            return;
        }
        boolean fair = true;
        var keys = new TreeSet<>(first.keySet());
        keys.addAll(second.keySet());
        for (var key : keys) {
            var a = first.getOrDefault(key, "absent");
            var b = second.getOrDefault(key, "absent");
            if (a.equals(b) || NAMES.contains(head(key))) {
                continue;
            }
            var verdict = verdict(key);
            fair &= verdict != Finding.Verdict.UNFAIR;
            findings.add(new Finding(verdict, "%s: %s and %s".formatted(key, a, b)));
        }
        if (pair.baseline().kind().isEmpty() || pair.other().kind().isEmpty()) {
            findings.add(new Finding(
                    Finding.Verdict.UNKNOWN, "model.kind: not in both config.yaml, so what is compared is not known"));
        }
        if (fair) {
            findings.add(new Finding(Finding.Verdict.EQUAL, "data, order, optimizer and seed: as in both config.yaml"));
        }
    }

    private static Finding.Verdict verdict(String key) {
        if (COMPARED.contains(key)) {
            return Finding.Verdict.COMPARED;
        }
        return CIRCUMSTANCES.contains(head(key)) && !NUMERICS.contains(key)
                ? Finding.Verdict.CAUTION
                : Finding.Verdict.UNFAIR;
    }

    private static void checkEnvironment(RunPair pair, List<Finding> findings) {
        Map<String, String> first = pair.baseline().environment();
        Map<String, String> second = pair.other().environment();
        for (var key : new TreeSet<>(first.keySet())) {
            var a = first.get(key);
            var b = second.getOrDefault(key, a);
            if (!a.equals(b) && (head(key).equals("device") || key.equals("commit") || key.equals("driver"))) {
                findings.add(new Finding(
                        Finding.Verdict.CAUTION,
                        "%s: %s and %s; wall-clock and energy may differ for this alone".formatted(key, a, b)));
            }
        }
    }

    private static String head(String key) {
        int dot = key.indexOf('.');
        return dot < 0 ? key : key.substring(0, dot);
    }
}
