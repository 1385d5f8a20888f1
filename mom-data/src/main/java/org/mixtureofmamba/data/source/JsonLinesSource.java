package org.mixtureofmamba.data.source;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Files with a JSON object a line: text, or the names of media beside the file with their text; for the keys see
 * {@link MediaPaths}.
 */
public record JsonLinesSource(String name, List<Bytes> files) implements Source {
    private static final int LINE_LIMIT = 16 << 20;
    private static final JsonMapper JSON = JsonMapper.shared();

    public JsonLinesSource {
        files = List.copyOf(files);
    }

    @Override
    public String description() {
        return "jsonl "
                + String.join(" ", files.stream().map(Bytes::description).toList());
    }

    @Override
    public SampleReader open() {
        return new ChainedReader<>(files, Reader::new);
    }

    @Override
    public List<Source> pieces() {
        return files.stream()
                .<Source>map(file -> new JsonLinesSource(name, List.of(file)))
                .toList();
    }

    private static final class Reader extends AheadReader {
        private final Bytes file;
        private final MediaPaths media;
        private final BoundedLines lines;

        Reader(Bytes file) {
            this.file = file;
            this.media = MediaPaths.beside(file);
            this.lines = new BoundedLines(file, LINE_LIMIT);
        }

        @Override
        Optional<Sample> look() {
            var line = lines.next();
            if (line.isEmpty()) {
                end();
            }
            return line.filter(l -> !l.text().isEmpty() || !l.fault().isEmpty()).map(this::sample);
        }

        private Sample sample(BoundedLines.Line line) {
            var place = "%s:%d".formatted(file.place(), line.number());
            if (!line.fault().isEmpty()) {
                return new Sample.Rejected(place, line.fault());
            }
            try {
                var object = JSON.readTree(line.text());
                if (!object.isObject()) {
                    return new Sample.Rejected(place, "not a JSON object");
                }
                var row = new LinkedHashMap<String, String>();
                object.properties().forEach(field -> {
                    if (field.getValue().isValueNode() && !field.getValue().isNull()) {
                        row.put(field.getKey(), field.getValue().asString());
                    }
                });
                return media.sample(place, row);
            } catch (JacksonException e) {
                return new Sample.Rejected(place, "its JSON does not parse: " + e.getOriginalMessage());
            }
        }

        @Override
        public void close() {
            lines.close();
        }
    }
}
