package org.mixtureofmamba.eval.lab;

import java.time.Duration;
import java.util.Collection;
import java.util.Locale;

/**
 * What runs are expected to cost.
 *
 * @param flops of training
 * @param seconds on the machine that was timed, held-out evaluations included
 * @param bytes of checkpoints on disk
 */
public record RunCost(double flops, double seconds, double bytes) {
    /** Of several. */
    static RunCost sum(Collection<RunCost> costs) {
        return costs.stream()
                .reduce(
                        new RunCost(0, 0, 0),
                        (a, b) -> new RunCost(a.flops + b.flops, a.seconds + b.seconds, a.bytes + b.bytes));
    }

    /** For people. */
    String text() {
        return String.format(Locale.ROOT, "%.3g training FLOPs, %s, %s of disk", flops, duration(seconds), size(bytes));
    }

    /** {@code 40 s}, {@code 12 min}, {@code 3.5 h}. */
    static String duration(double seconds) {
        if (seconds < 100) {
            return String.format(Locale.ROOT, "%.0f s", seconds);
        }
        return seconds < Duration.ofMinutes(100).toSeconds()
                ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
                : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
    }

    private static String size(double bytes) {
        return bytes < 1e9
                ? String.format(Locale.ROOT, "%.0f MB", Math.ceil(bytes / 1e6))
                : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
}
