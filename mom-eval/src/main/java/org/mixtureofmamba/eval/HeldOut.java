package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.mixtureofmamba.core.UserException;

/**
 * Held-out losses of a run, from {@code heldout.csv} in its directory: columns {@code step, modality, loss, tokens},
 * one row for each modality ({@code text}, {@code image}, {@code speech}, or {@code all}) each time the held-out split
 * was evaluated. An empty loss was not measured.
 *
 * @param measurements in the order of the file
 */
public record HeldOut(List<Measurement> measurements) {
    private static final int MAX_ROWS = 1_000_000;
    private static final List<String> COLUMNS = List.of("step", "modality", "loss", "tokens");

    /**
     * @param loss mean over the tokens, nats
     * @param tokens targets of that modality in the held-out split
     */
    public record Measurement(long step, LossKind kind, double loss, long tokens) {}

    public HeldOut {
        measurements = List.copyOf(measurements);
    }

    /** @throws UserException if the file cannot be read or holds something else, with file and line */
    public static HeldOut read(Path file) {
        var format = CSVFormat.DEFAULT
                .builder()
                .setHeader()
                .setSkipHeaderRecord(true)
                .setQuote(null)
                .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW)
                .get();
        var found = new ArrayList<Measurement>();
        try (var reader = Files.newBufferedReader(file, StandardCharsets.UTF_8);
                var parser = format.parse(new BoundedLines(reader))) {
            for (var column : COLUMNS) {
                if (!parser.getHeaderNames().contains(column)) {
                    throw new UserException("%s:1: column %s is missing; expected %s"
                            .formatted(file, column, String.join(",", COLUMNS)));
                }
            }
            for (var row : parser) {
                long line = row.getRecordNumber() + 1;
                if (row.size() != parser.getHeaderNames().size() || found.size() == MAX_ROWS) {
                    throw new UserException("%s:%d: %s"
                            .formatted(
                                    file,
                                    line,
                                    found.size() == MAX_ROWS
                                            ? "more than %,d rows".formatted(MAX_ROWS)
                                            : "%d cells where the header has %d"
                                                    .formatted(
                                                            row.size(),
                                                            parser.getHeaderNames()
                                                                    .size())));
                }
                if (row.get("loss").isBlank()) {
                    continue;
                }
                found.add(new Measurement(
                        whole(row.get("step"), "step", file, line),
                        kind(row.get("modality"), file, line),
                        finite(row.get("loss"), file, line),
                        whole(row.get("tokens"), "tokens", file, line)));
            }
        } catch (IllegalArgumentException e) {
            throw new UserException(
                    "%s:1: bad header: %s; expected %s".formatted(file, e.getMessage(), String.join(",", COLUMNS)), e);
        } catch (IOException | java.io.UncheckedIOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e.getMessage()), e);
        }
        return new HeldOut(found);
    }

    /** The measurement of the highest step for each modality. */
    public Map<LossKind, Measurement> last() {
        var last = new EnumMap<LossKind, Measurement>(LossKind.class);
        for (var measurement : measurements) {
            last.merge(measurement.kind(), measurement, (a, b) -> a.step() > b.step() ? a : b);
        }
        return Collections.unmodifiableMap(last);
    }

    /** The last measurement of one modality. */
    public Optional<Measurement> last(LossKind kind) {
        return Optional.ofNullable(last().get(kind));
    }

    private static LossKind kind(String text, Path file, long line) {
        for (var kind : LossKind.values()) {
            if (kind.key().equals(text.strip().toLowerCase(Locale.ROOT))) {
                return kind;
            }
        }
        throw new UserException(
                "%s:%d: modality %s is none of text, image, speech, all".formatted(file, line, text.strip()));
    }

    private static long whole(String text, String column, Path file, long line) {
        try {
            long value = Long.parseLong(text.strip());
            if (value >= 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Told below, like a negative number.
        }
        throw new UserException(
                "%s:%d: %s is %s, not a whole number from 0".formatted(file, line, column, text.strip()));
    }

    private static double finite(String text, Path file, long line) {
        try {
            double value = Double.parseDouble(text.strip());
            if (Double.isFinite(value)) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Told below, like a number that is not finite.
        }
        throw new UserException("%s:%d: loss is %s, not a finite number".formatted(file, line, text.strip()));
    }
}
