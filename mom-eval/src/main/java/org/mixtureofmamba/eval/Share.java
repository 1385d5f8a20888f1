package org.mixtureofmamba.eval;

import java.util.Locale;

/** What a run spent, in percent of what the whole baseline run spent. */
public sealed interface Share {
    /** A known share. */
    record Of(double percent) implements Share {}

    /** The run ended, having spent this share, before it reached the loss: the true share is more. */
    record MoreThan(double percent) implements Share {}

    /** The run was at the loss before the part of it that is read: the true share is less. */
    record LessThan(double percent) implements Share {}

    /** One of the two runs did not measure the cost. */
    record NotMeasured() implements Share {}

    /** For people and tables: {@code 64.5 %}, {@code > 100 %}, {@code not measured}. */
    default String text() {
        return switch (this) {
            case Of(double percent) -> String.format(Locale.ROOT, "%.1f %%", percent);
            case MoreThan(double percent) -> "> " + bare(percent) + " %";
            case LessThan(double percent) -> "< " + bare(percent) + " %";
            case NotMeasured() -> "not measured";
        };
    }

    /** The number alone, for a cell whose column says percent. */
    default String number() {
        return switch (this) {
            case Of(double percent) -> String.format(Locale.ROOT, "%.1f", percent);
            case MoreThan(double percent) -> "> " + bare(percent);
            case LessThan(double percent) -> "< " + bare(percent);
            case NotMeasured() -> "not measured";
        };
    }

    private static String bare(double percent) {
        var text = String.format(Locale.ROOT, "%.1f", percent);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
