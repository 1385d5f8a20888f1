package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqStruct;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;

/**
 * Parquet tables, as Hugging Face keeps data sets. Columns are called as in other tables, see {@link MediaPaths}; media
 * are bytes, a struct of {@code bytes} and {@code path}, or a path relative to the table. Rows with lists
 * {@code images} and {@code texts} are interleaved documents, as in OBELICS (arXiv 2306.16527): at each place of the
 * two lists one is null and the other is next.
 */
public record ParquetSource(String name, List<Bytes> files) implements Source {
    /** Of one call into the library, reading not counted; a page is decoded in milliseconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final String IMAGES = "images";
    private static final String TEXTS = "texts";

    public ParquetSource {
        files = List.copyOf(files);
    }

    @Override
    public String description() {
        return "parquet "
                + String.join(" ", files.stream().map(Bytes::description).toList());
    }

    @Override
    public SampleReader open() {
        return new ChainedReader<>(files, Rows::new);
    }

    @Override
    public List<Source> pieces() {
        return files.stream()
                .<Source>map(file -> new ParquetSource(name, List.of(file)))
                .toList();
    }

    private static final class Rows extends AheadReader {
        private final Bytes file;
        private final MediaPaths media;
        private final CallLimit limit;
        private final ParquetFileReader parquet;
        private final RowReader rows;
        private final List<String> columns;
        private long number;

        Rows(Bytes file) {
            this.file = file;
            this.media = MediaPaths.beside(file);
            var ranges = new Ranges(file);
            this.limit = new CallLimit(PATIENCE, ranges::isReading);
            try {
                this.parquet = ParquetFileReader.open(ranges);
            } catch (IOException | RuntimeException e) {
                limit.close();
                throw broken(e);
            }
            try {
                this.columns = parquet.getFileSchema().getRootNode().children().stream()
                        .map(column -> column.name())
                        .toList();
                boolean known = columns.containsAll(List.of(IMAGES, TEXTS)) || MediaPaths.isHeading(columns);
                if (!known) {
                    throw new UserException(
                            "%s has the columns %s, none of which is known, such as image, audio, caption or text; rename one"
                                    .formatted(file.place(), String.join(", ", columns)));
                }
                this.rows = limit.call(parquet::rowReader);
            } catch (RuntimeException e) {
                closeFile();
                throw e instanceof UserException ? e : broken(e);
            }
        }

        @Override
        Optional<Sample> look() {
            try {
                if (!limit.call(rows::hasNext)) {
                    end();
                    return Optional.empty();
                }
                limit.call(() -> {
                    rows.next();
                    return true;
                });
                number++;
                return Optional.of(sample());
            } catch (UserException e) {
                return Optional.of(new Sample.Rejected(place(), e.getMessage()));
            } catch (RuntimeException e) {
                throw broken(e);
            }
        }

        private String place() {
            return "%s:%d".formatted(file.name(), number);
        }

        private Sample sample() {
            if (columns.containsAll(List.of(IMAGES, TEXTS))
                    && rows.getValue(IMAGES) instanceof PqList images
                    && rows.getValue(TEXTS) instanceof PqList texts) {
                return interleaved(images, texts);
            }
            Map<String, Object> row = new HashMap<>();
            for (var column : columns) {
                if (!rows.isNull(column)) {
                    cell(rows.getValue(column)).ifPresent(value -> row.put(column, value));
                }
            }
            return media.sampleOf(place(), row);
        }

        /** A cell as media or text: bytes, or a string; nothing where it is neither. */
        private static Optional<Object> cell(Object value) {
            return switch (value) {
                case null -> Optional.empty();
                case byte[] bytes -> Optional.of(bytes);
                case String text -> Optional.of(text);
                case PqStruct struct -> ofStruct(struct);
                case Number number -> Optional.of(number.toString());
                default -> Optional.empty();
            };
        }

        private static Optional<Object> ofStruct(PqStruct struct) {
            var names = new ArrayList<String>();
            for (int i = 0; i < struct.getFieldCount(); i++) {
                names.add(struct.getFieldName(i));
            }
            if (names.contains("bytes") && !struct.isNull("bytes")) {
                return Optional.of(struct.getBinary("bytes"));
            }
            return names.contains("path") && !struct.isNull("path")
                    ? Optional.of(struct.getString("path"))
                    : Optional.empty();
        }

        private Sample interleaved(PqList images, PqList texts) {
            if (images.size() != texts.size()) {
                return new Sample.Rejected(
                        place(),
                        "%d images beside %d texts; each list should have a place for all"
                                .formatted(images.size(), texts.size()));
            }
            var items = new ArrayList<Sample.Item>();
            for (int i = 0; i < images.size(); i++) {
                if (!images.isNull(i)) {
                    var image =
                            cell(images.get(i)).orElseThrow(() -> new UserException("an image without bytes or path"));
                    items.add(new Sample.Item.Image(media.bytes(image)));
                }
                if (!texts.isNull(i)) {
                    items.add(new Sample.Item.Text(text(cell(texts.get(i)).orElse(""))));
                }
            }
            return items.isEmpty()
                    ? new Sample.Rejected(place(), "neither media nor text")
                    : new Sample.Interleaved(place(), "", items);
        }

        private static String text(Object cell) {
            return cell instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : (String) cell;
        }

        private FailureException broken(Exception e) {
            return new FailureException(
                    "%s does not read as Parquet, after row %d: %s; fetch the file again"
                            .formatted(file.place(), number, e.getMessage()),
                    e);
        }

        private void closeFile() {
            limit.close();
            try {
                parquet.close();
            } catch (IOException e) {
                throw new FailureException("cannot close %s: %s".formatted(file.place(), e.getMessage()), e);
            }
        }

        @Override
        public void close() {
            rows.close();
            closeFile();
        }
    }

    /**
     * The file as the Parquet library reads it: a range at a time, wherever it is. A damaged file can send the library
     * back to the same bytes without end, so there is a bound on the bytes that it may read in all.
     */
    private static final class Ranges implements InputFile {
        /** Whole files are read once, their footers a few times. */
        private static final int TIMES = 4;

        private static final long BYTES_BEYOND = 1 << 20;
        /** What a read counts at least. */
        private static final int LEAST = 64;

        private final Bytes file;
        private final AtomicLong left;
        private final AtomicInteger reading = new AtomicInteger();

        Ranges(Bytes file) {
            this.file = file;
            this.left = new AtomicLong(TIMES * file.length() + BYTES_BEYOND);
        }

        /** Whether a range is being waited for. */
        boolean isReading() {
            return reading.get() > 0;
        }

        @Override
        public void open() {}

        @Override
        public ByteBuffer readRange(long offset, int length) throws IOException {
            if (left.addAndGet(-Math.max(LEAST, length)) < 0) {
                throw new IOException("its pages lead back to themselves");
            }
            reading.incrementAndGet();
            try {
                var bytes = file.range(offset, length);
                if (bytes.length < length) {
                    throw new IOException("it ends at byte %d".formatted(offset + bytes.length));
                }
                return ByteBuffer.wrap(bytes);
            } finally {
                reading.decrementAndGet();
            }
        }

        @Override
        public long length() {
            return file.length();
        }

        @Override
        public String name() {
            return file.place();
        }

        @Override
        public void close() {}
    }
}
