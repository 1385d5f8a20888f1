package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.TreeMap;

import org.mixtureofmamba.core.FailureException;

/**
 * Dictionaries in the format of dictd, as Debian packages them: {@code NAME.index} says where each headword's entry
 * stands in {@code NAME.dict} or {@code NAME.dict.dz}, which is gzip. Entries in the order of the file make up pages of
 * about a kilobyte, each a document; what the dictionary says of itself ({@code 00-database-...}) is left out.
 */
public record DictdSource(String name, Path folder) implements Source {
    private static final int PAGE = 1000;
    private static final int LINE_LIMIT = 1 << 16;
    private static final int ENTRY_LIMIT = 16 << 20;
    private static final String DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    @Override
    public String description() {
        return "dictd " + folder;
    }

    @Override
    public SampleReader open() {
        return new ChainedReader<>(FolderFiles.of(folder, file -> file.endsWith(".index")), Pages::new);
    }

    private static final class Pages extends AheadReader {
        private final Path dictionary;
        private final InputStream stream;
        /** Lengths of the entries that are left, by where they start. */
        private final TreeMap<Long, Long> entries = new TreeMap<>();

        private long at;
        private long page;

        Pages(Path index) {
            var stem = index.getFileName().toString().replaceAll("\\.index$", ".dict");
            var packed = index.resolveSibling(stem + ".dz");
            this.dictionary = Files.exists(packed) ? packed : index.resolveSibling(stem);
            readIndex(index);
            var bytes = Bytes.ofFile(dictionary);
            this.stream = Files.exists(packed) ? bytes.openGzip() : bytes.open();
        }

        private void readIndex(Path index) {
            try (var lines = new BoundedLines(Bytes.ofFile(index), LINE_LIMIT)) {
                for (var line = lines.next(); line.isPresent(); line = lines.next()) {
                    var cells = line.get().text().split("\t", -1);
                    if (cells.length >= 3
                            && !cells[0].startsWith("00-database")
                            && !cells[0].startsWith("00database")) {
                        entries.put(number(index, cells[1]), number(index, cells[2]));
                    }
                }
            }
        }

        /** Numbers are written in base 64, most significant digit first. */
        private static long number(Path index, String digits) {
            long value = 0;
            for (int i = 0; i < digits.length(); i++) {
                int digit = DIGITS.indexOf(digits.charAt(i));
                if (digit < 0 || value > Long.MAX_VALUE >>> 7) {
                    throw new FailureException("%s is no index of a dictionary: '%s' is no number; fetch it again"
                            .formatted(index, digits));
                }
                value = value * 64 + digit;
            }
            return value;
        }

        @Override
        Optional<Sample> look() {
            var text = new StringBuilder();
            var id = "%s#%d".formatted(dictionary.getFileName(), page);
            try {
                while (!entries.isEmpty() && text.length() < PAGE) {
                    var entry = entries.pollFirstEntry();
                    if (entry.getKey() < at) {
                        continue;
                    }
                    stream.skipNBytes(entry.getKey() - at);
                    at = entry.getKey() + entry.getValue();
                    if (entry.getValue() > ENTRY_LIMIT) {
                        stream.skipNBytes(entry.getValue());
                        page++;
                        return Optional.of(new Sample.Rejected(
                                id,
                                "an entry of %d bytes, more than the %d allowed"
                                        .formatted(entry.getValue(), ENTRY_LIMIT)));
                    }
                    var bytes = stream.readNBytes(entry.getValue().intValue());
                    if (bytes.length < entry.getValue()) {
                        throw new IOException("it ends inside an entry");
                    }
                    text.append(Utf8.decode(bytes).strip()).append('\n');
                }
            } catch (CharacterCodingException e) {
                page++;
                return Optional.of(new Sample.Rejected(id, "not UTF-8"));
            } catch (IOException e) {
                throw new FailureException(
                        "%s breaks off at byte %d: %s; fetch it again".formatted(dictionary, at, Bytes.reason(e)), e);
            }
            if (text.isEmpty()) {
                end();
                return Optional.empty();
            }
            page++;
            return Optional.of(new Sample.Text(id, text.toString().strip()));
        }

        @Override
        public void close() {
            try {
                stream.close();
            } catch (IOException e) {
                throw new FailureException("cannot close %s: %s".formatted(dictionary, e.getMessage()), e);
            }
        }
    }
}
