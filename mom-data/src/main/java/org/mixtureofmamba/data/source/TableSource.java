package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.mixtureofmamba.core.FailureException;

/**
 * Tables of media and their text: CSV with a heading (for the columns see {@link MediaPaths}), or TSV, with a heading
 * or, as CC12M has it, two columns without one: path and caption. Media names are relative to the table's directory.
 *
 * @param tabs whether columns are divided by tabs, without quoting, or by commas
 */
public record TableSource(String name, List<Bytes> files, boolean tabs) implements Source {
    public TableSource {
        files = List.copyOf(files);
    }

    @Override
    public String description() {
        return (tabs ? "tsv " : "csv ")
                + String.join(" ", files.stream().map(Bytes::description).toList());
    }

    @Override
    public SampleReader open() {
        return new ChainedReader<>(files, file -> new TableReader(file, tabs));
    }

    @Override
    public List<Source> pieces() {
        return files.stream()
                .<Source>map(file -> new TableSource(name, List.of(file), tabs))
                .toList();
    }

    /**
     * Rows are divided as bytes, of which a comma or a quote is one in UTF-8 too, and each cell is decoded for itself:
     * one bad cell costs one row.
     */
    private static final class TableReader extends AheadReader {
        private static final String BYTE_ORDER_MARK = "\ufeff";

        private final Bytes file;
        private final MediaPaths media;
        private final Limited text;
        private final CSVParser parser;
        private final Iterator<CSVRecord> records;
        private List<String> columns = List.of();

        TableReader(Bytes file, boolean tabs) {
            this.file = file;
            this.media = MediaPaths.beside(file);
            this.text = new Limited(new InputStreamReader(file.open(), StandardCharsets.ISO_8859_1));
            var format = tabs
                    ? CSVFormat.DEFAULT
                            .builder()
                            .setDelimiter('\t')
                            .setQuote(null)
                            .setIgnoreEmptyLines(true)
                            .get()
                    : CSVFormat.DEFAULT.builder().setIgnoreEmptyLines(true).get();
            try {
                this.parser =
                        CSVParser.builder().setReader(text).setFormat(format).get();
            } catch (IOException e) {
                throw broken(e);
            }
            this.records = parser.iterator();
        }

        @Override
        Optional<Sample> look() {
            try {
                if (!records.hasNext()) {
                    end();
                    return Optional.empty();
                }
                var raw = records.next().toList();
                text.recordEnds();
                var cells = new ArrayList<String>();
                for (var cell : raw) {
                    cells.add(Utf8.decode(cell.getBytes(StandardCharsets.ISO_8859_1)));
                }
                return columns.isEmpty() ? firstRow(cells) : Optional.of(sample(cells));
            } catch (CharacterCodingException e) {
                return Optional.of(new Sample.Rejected(place(), "not UTF-8"));
            } catch (UncheckedIOException | IllegalStateException e) {
                throw broken(e);
            }
        }

        /** A first row that names a known column is a heading; one of two cells without is a path and a caption. */
        private Optional<Sample> firstRow(List<String> cells) {
            var heading = cells.stream()
                    .map(cell -> cell.replace(BYTE_ORDER_MARK, "").strip().toLowerCase(Locale.ROOT))
                    .toList();
            if (MediaPaths.isHeading(heading)) {
                columns = heading;
                return Optional.empty();
            }
            if (cells.size() == 2) {
                columns = List.of("path", "caption");
                return Optional.of(sample(cells));
            }
            columns = List.of("none");
            return Optional.of(new Sample.Rejected(
                    "%s:1".formatted(file.place()),
                    "its first row names no known column, such as image, audio, caption or text"));
        }

        private Sample sample(List<String> cells) {
            if (cells.size() != columns.size()) {
                return new Sample.Rejected(
                        place(), "%d cells under %d columns".formatted(cells.size(), columns.size()));
            }
            Map<String, String> row = new HashMap<>();
            for (int i = 0; i < cells.size(); i++) {
                row.putIfAbsent(columns.get(i), cells.get(i));
            }
            return media.sample(place(), row);
        }

        private String place() {
            return "%s:%d".formatted(file.place(), parser.getCurrentLineNumber());
        }

        private FailureException broken(Exception e) {
            return new FailureException(
                    "%s does not read as a table: %s; mend it".formatted(file.place(), e.getMessage()), e);
        }

        @Override
        public void close() {
            try {
                parser.close();
            } catch (IOException e) {
                throw new FailureException("cannot close %s: %s".formatted(file.place(), e.getMessage()), e);
            }
        }
    }

    /** Refuses a record of more characters than any caption has: a quote that is not closed would swallow the file. */
    private static final class Limited extends Reader {
        private static final int LIMIT = 16 << 20;

        private final Reader reader;
        private long sinceRecord;

        Limited(Reader reader) {
            this.reader = reader;
        }

        void recordEnds() {
            sinceRecord = 0;
        }

        @Override
        public int read(char[] buffer, int offset, int length) throws IOException {
            int count = reader.read(buffer, offset, length);
            sinceRecord += Math.max(0, count);
            if (sinceRecord > LIMIT) {
                throw new IOException("a row of more than %d characters; is a quote left open?".formatted(LIMIT));
            }
            return count;
        }

        @Override
        public void close() throws IOException {
            reader.close();
        }
    }
}
