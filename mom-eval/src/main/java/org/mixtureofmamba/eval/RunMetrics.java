package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalDouble;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.mixtureofmamba.core.UserException;

/**
 * The rows of one run's {@code metrics.csv}: what was spent and what the losses were, step by step. An empty cell was
 * not measured; a cell that is no finite number, a step that does not follow the one before it, a total that falls and
 * a row of the wrong length are errors that name the line.
 */
public final class RunMetrics {
    static final int MAX_ROWS = 5_000_000;

    private final Path source;
    private final Map<Column, double[]> columns;
    private final int rows;

    private RunMetrics(Path source, Map<Column, double[]> columns) {
        this.source = source;
        this.columns = columns;
        this.rows = columns.get(Column.STEP).length;
    }

    /**
     * Reads a file of at most 5 million rows.
     *
     * @throws UserException if the file cannot be read or is not what it should be, with file and line
     */
    public static RunMetrics read(Path file) {
        var format = CSVFormat.DEFAULT
                .builder()
                .setHeader()
                .setSkipHeaderRecord(true)
                .setQuote(null)
                .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW)
                .setIgnoreEmptyLines(false)
                .get();
        try (var reader = new BoundedLines(Files.newBufferedReader(file, StandardCharsets.UTF_8));
                var parser = format.parse(reader)) {
            var rows = new Rows(file, parser.getHeaderMap());
            for (CSVRecord row : parser) {
                rows.add(row, parser.getHeaderNames().size());
            }
            return rows.finish();
        } catch (IllegalArgumentException e) {
            throw new UserException("%s:1: bad header: %s; expected %s".formatted(file, e.getMessage(), header()), e);
        } catch (IOException | java.io.UncheckedIOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, reason(e)), e);
        }
    }

    /** Columns made in memory; NaN stands for a cell that was not measured. */
    static RunMetrics of(Path source, Map<Column, double[]> columns) {
        return new RunMetrics(source, new EnumMap<>(columns));
    }

    /** The file the rows came from. */
    public Path source() {
        return source;
    }

    /** The number of rows, at least 1. */
    public int rows() {
        return rows;
    }

    /** A cell, empty if it was not measured. */
    public OptionalDouble at(Column column, int row) {
        double value = column(column)[row];
        return Double.isNaN(value) ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    /** The last row's cell: for a running total, what the whole run spent. */
    public OptionalDouble last(Column column) {
        return at(column, rows - 1);
    }

    /** The mean over the rows that have a value. */
    public OptionalDouble mean(Column column) {
        return Arrays.stream(column(column))
                .filter(value -> !Double.isNaN(value))
                .average();
    }

    /** Whether any row has a value in the column. */
    public boolean has(Column column) {
        return Arrays.stream(column(column)).anyMatch(value -> !Double.isNaN(value));
    }

    /** The column itself, one value a row, NaN where nothing was measured; not to be written to. */
    double[] column(Column column) {
        return columns.computeIfAbsent(column, absent -> {
            var empty = new double[rows];
            Arrays.fill(empty, Double.NaN);
            return empty;
        });
    }

    private static String header() {
        return String.join(",", Arrays.stream(Column.values()).map(Column::key).toList());
    }

    private static String reason(Exception e) {
        return e instanceof java.nio.file.NoSuchFileException ? "no such file" : String.valueOf(e.getMessage());
    }

    /** Rows as they are read, checked one against the next. */
    private static final class Rows {
        private final Path file;
        private final Map<Column, Integer> places = new EnumMap<>(Column.class);
        private final Map<Column, double[]> values = new EnumMap<>(Column.class);
        private final Map<Column, Double> highest = new EnumMap<>(Column.class);
        private int count;

        Rows(Path file, Map<String, Integer> header) {
            this.file = file;
            for (var column : Column.values()) {
                Integer place = header.get(column.key());
                if (place != null) {
                    places.put(column, place);
                    values.put(column, new double[1024]);
                } else if (column.required()) {
                    throw new UserException(
                            "%s:1: column %s is missing; expected %s".formatted(file, column.key(), header()));
                }
            }
        }

        void add(CSVRecord row, int width) {
            long line = row.getRecordNumber() + 1;
            if (row.size() != width) {
                throw new UserException(
                        "%s:%d: %d cells where the header has %d; a row was cut off: resume the run or delete the line"
                                .formatted(file, line, row.size(), width));
            }
            if (count == MAX_ROWS) {
                throw new UserException("%s:%d: more than %,d rows; log fewer steps".formatted(file, line, MAX_ROWS));
            }
            for (var place : places.entrySet()) {
                var column = place.getKey();
                double value = cell(row.get(place.getValue()).strip(), column, line);
                check(column, value, line);
                var cells = values.get(column);
                if (count == cells.length) {
                    cells = Arrays.copyOf(cells, Math.min(MAX_ROWS, 2 * count));
                    values.put(column, cells);
                }
                cells[count] = value;
            }
            count++;
        }

        private double cell(String text, Column column, long line) {
            if (text.isEmpty()) {
                if (column.inEveryRow()) {
                    throw new UserException("%s:%d: %s is empty".formatted(file, line, column.key()));
                }
                return Double.NaN;
            }
            try {
                double value = Double.parseDouble(text);
                if (Double.isFinite(value)) {
                    return value;
                }
            } catch (NumberFormatException e) {
                // Told below, like a number that is not finite.
            }
            throw new UserException(
                    "%s:%d: %s is %s, not a finite number; a value that was not measured is an empty cell"
                            .formatted(
                                    file,
                                    line,
                                    column.key(),
                                    text.length() > 40 ? text.substring(0, 40) + "..." : text));
        }

        private void check(Column column, double value, long line) {
            if (!column.cumulative() || Double.isNaN(value)) {
                return;
            }
            Double before = highest.put(column, value);
            if (value < 0) {
                throw new UserException("%s:%d: %s is negative".formatted(file, line, column.key()));
            }
            if (before == null) {
                return;
            }
            if (column == Column.STEP && value <= before) {
                throw new UserException("%s:%d: step %.0f after step %.0f; steps must increase, each once"
                        .formatted(file, line, value, before));
            }
            if (value < before) {
                throw new UserException("%s:%d: %s falls from %s to %s; it is a total since the run began"
                        .formatted(file, line, column.key(), before, value));
            }
        }

        RunMetrics finish() {
            if (count == 0) {
                throw new UserException("%s has no rows; the run has not finished its first step".formatted(file));
            }
            values.replaceAll((column, cells) -> Arrays.copyOf(cells, count));
            return new RunMetrics(file, values);
        }
    }
}
