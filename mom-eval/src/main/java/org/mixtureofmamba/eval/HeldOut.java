package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.mixtureofmamba.core.UserException;

/**
 * Held-out losses of a run, from {@code heldout.csv} in its directory: a row for each evaluation, with the columns of
 * {@code metrics.csv} for the losses and their tokens. An empty loss was not measured.
 *
 * @param measurements in the order of the file
 */
public record HeldOut(List<Measurement> measurements) {
    private static final int MAX_ROWS = 1_000_000;
    private static final List<String> COLUMNS = List.of("step", "loss");

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
                long step = whole(row.get("step"), "step", file, line);
                long all = 0;
                for (var kind : LossKind.values()) {
                    var column = "tokens_" + kind.key();
                    long tokens = row.isMapped(column) && !row.get(column).isBlank()
                            ? whole(row.get(column), column, file, line)
                            : 0;
                    all += tokens;
                    var loss = kind.column().key();
                    if (row.isMapped(loss) && !row.get(loss).isBlank()) {
                        found.add(new Measurement(
                                step,
                                kind,
                                finite(row.get(loss), loss, file, line),
                                kind == LossKind.ALL ? all : tokens));
                    }
                }
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

    /** The measurements of one modality, by step; where a step stands twice, the later row counts. */
    List<Measurement> curve(LossKind kind) {
        var bySteps = new TreeMap<Long, Measurement>();
        measurements.stream().filter(m -> m.kind() == kind && m.step() > 0).forEach(m -> bySteps.put(m.step(), m));
        return List.copyOf(bySteps.values());
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

    private static double finite(String text, String column, Path file, long line) {
        try {
            double value = Double.parseDouble(text.strip());
            if (Double.isFinite(value)) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Told below, like a number that is not finite.
        }
        throw new UserException("%s:%d: %s is %s, not a finite number".formatted(file, line, column, text.strip()));
    }
}
