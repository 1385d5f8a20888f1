package org.mixtureofmamba.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;

import org.mixtureofmamba.eval.Column;
import org.mixtureofmamba.eval.Run;
import org.mixtureofmamba.eval.StepTimes;

/** The rows of a table of runs: what each was and what it took. */
final class RunFacts {
    private static final String NOT_MEASURED = "not measured";
    private static final String PEAK_MEMORY = "peak_memory_bytes";

    private RunFacts() {}

    static List<List<Page.Cell>> of(List<Run> runs) {
        var rows = new ArrayList<List<Page.Cell>>();
        rows.add(row("kind", runs, run -> run.kind().orElse("unknown")));
        rows.add(row("parameters", runs, run -> number(run.parameters(), "%,.0f")));
        rows.add(row("steps", runs, last(Column.STEP, "%,.0f")));
        rows.add(row("tokens", runs, last(Column.TOKENS, "%,.0f")));
        rows.add(row("times through its corpus", runs, run -> number(run.epochs(), "%.2f")));
        rows.add(row("FLOPs", runs, last(Column.FLOPS, "%.4g")));
        rows.add(row("wall-clock, seconds", runs, last(Column.WALL_S, "%,.1f")));
        rows.add(row("a step, milliseconds: median", runs, run -> {
            var times = run.stepTimes();
            return Double.isNaN(times.median())
                    ? NOT_MEASURED
                    : String.format(Locale.ROOT, "%.1f", 1e3 * times.median());
        }));
        rows.add(row("a step: 10th to 90th percentile", runs, run -> spread(run.stepTimes())));
        rows.add(row("tokens a second", runs, run -> number(ratio(run, Column.TOKENS, Column.WALL_S), "%,.0f")));
        rows.add(row(
                "share of the device's peak", runs, run -> number(run.metrics().mean(Column.MFU), "%.3f")));
        rows.add(row("peak memory, bytes", runs, run -> run.environment().getOrDefault(PEAK_MEMORY, NOT_MEASURED)));
        rows.add(row("energy, joules", runs, last(Column.ENERGY_J, "%,.0f")));
        rows.add(row("commit, configuration, data, machine", runs, Run::provenance));
        return rows;
    }

    private static List<Page.Cell> row(String name, List<Run> runs, Function<Run, String> value) {
        var cells = new ArrayList<>(List.of(Page.Cell.of(name)));
        runs.forEach(run -> cells.add(Page.Cell.of(value.apply(run))));
        return cells;
    }

    private static String spread(StepTimes times) {
        return Double.isNaN(times.median())
                ? NOT_MEASURED
                : String.format(
                        Locale.ROOT,
                        "%.1f to %.1f%s",
                        1e3 * times.low(),
                        1e3 * times.high(),
                        times.disturbed() ? ", disturbed" : "");
    }

    private static Function<Run, String> last(Column column, String format) {
        return run -> number(run.metrics().last(column), format);
    }

    private static OptionalDouble ratio(Run run, Column above, Column below) {
        double x = run.metrics().last(above).orElse(Double.NaN);
        double y = run.metrics().last(below).orElse(Double.NaN);
        return y > 0 ? OptionalDouble.of(x / y) : OptionalDouble.empty();
    }

    private static String number(OptionalDouble value, String format) {
        return value.isPresent() ? String.format(Locale.ROOT, format, value.getAsDouble()) : NOT_MEASURED;
    }
}
