package org.mixtureofmamba.eval;

import java.util.List;
import java.util.Locale;

/** What a run spent, in percent of what the whole baseline run spent. */
public sealed interface Share {
    /** A known share. */
    record Of(double percent) implements Share {}

    /** The run ended, having spent this share, before it reached the loss: the true share is more. */
    record MoreThan(double percent) implements Share {}

    /** One of the two runs did not measure the cost. */
    record NotMeasured() implements Share {}

    /** For people and tables: {@code 64.5 %}, {@code > 100 %}, {@code not measured}. */
    default String text() {
        return switch (this) {
            case Of(double percent) -> String.format(Locale.ROOT, "%.1f %%", percent);
            case MoreThan(double percent) -> "> " + bare(percent) + " %";
            case NotMeasured() -> "not measured";
        };
    }

    /** The number alone, for a cell whose column says percent. */
    default String number() {
        return switch (this) {
            case Of(double percent) -> String.format(Locale.ROOT, "%.1f", percent);
            case MoreThan(double percent) -> "> " + bare(percent);
            case NotMeasured() -> "not measured";
        };
    }

    /**
     * The mean over seeds. A seed that never matched makes the mean a lower bound, one that was not measured makes it
     * unknown.
     */
    static Share mean(List<Share> shares) {
        double sum = 0;
        boolean bound = false;
        for (var share : shares) {
            switch (share) {
                case Of(double percent) -> sum += percent;
                case MoreThan(double percent) -> {
                    sum += percent;
                    bound = true;
                }
                case NotMeasured none -> {
                    return none;
                }
            }
        }
        double mean = sum / shares.size();
        return bound ? new MoreThan(mean) : new Of(mean);
    }

    private static String bare(double percent) {
        var text = String.format(Locale.ROOT, "%.1f", percent);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
