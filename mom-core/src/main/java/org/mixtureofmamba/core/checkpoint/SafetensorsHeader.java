package org.mixtureofmamba.core.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.tensor.Shape;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The header of a safetensors file, checked: every tensor's bytes are as many as its shape and type need, and together
 * they are the data, without gap or overlap.
 */
record SafetensorsHeader(Map<String, String> metadata, List<Stored> tensors, long dataSize) {
    static final String METADATA = "__metadata__";
    private static final int MOST_AXES = 32;

    /** Bytes {@code begin} to {@code end} of the data. */
    record Stored(String name, StoredType type, Shape shape, long begin, long end) {}

    /** @throws UserException naming the file and the first defect */
    static SafetensorsHeader parse(Path file, byte[] json, long dataSize) {
        var factory = JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build();
        try (var parser = factory.createParser(ObjectReadContext.empty(), json)) {
            var header = new Reader(file, parser).header(dataSize);
            checkThatTensorsTile(file, header);
            return header;
        } catch (JacksonException e) {
            throw Safetensors.malformed(file, "its header is not JSON of the format: " + e.getOriginalMessage());
        }
    }

    private static void checkThatTensorsTile(Path file, SafetensorsHeader header) {
        var byPlace = new ArrayList<>(header.tensors);
        byPlace.sort(Comparator.comparingLong(Stored::begin).thenComparingLong(Stored::end));
        long end = 0;
        for (var stored : byPlace) {
            if (stored.begin() < end) {
                throw Safetensors.malformed(
                        file,
                        "tensor '%s' begins at byte %,d, within the one before it, which ends at %,d"
                                .formatted(stored.name(), stored.begin(), end));
            }
            if (stored.begin() > end) {
                throw Safetensors.malformed(
                        file,
                        "bytes %,d to %,d before tensor '%s' belong to no tensor"
                                .formatted(end, stored.begin(), stored.name()));
            }
            end = stored.end();
        }
        if (end > header.dataSize) {
            throw Safetensors.malformed(
                    file, "its data of %,d bytes are cut off after %,d".formatted(end, header.dataSize));
        }
        if (end < header.dataSize) {
            throw Safetensors.malformed(
                    file, "%,d bytes after the last tensor belong to none".formatted(header.dataSize - end));
        }
    }

    /** Reads token by token, so that a hostile header costs no more memory than its own length. */
    private static final class Reader {
        private final Path file;
        private final JsonParser parser;

        Reader(Path file, JsonParser parser) {
            this.file = file;
            this.parser = parser;
        }

        SafetensorsHeader header(long dataSize) {
            expect(JsonToken.START_OBJECT, "the header", "an object");
            Map<String, String> metadata = Map.of();
            var tensors = new ArrayList<Stored>();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                var name = parser.currentName();
                if (name.equals(METADATA)) {
                    metadata = metadata();
                } else {
                    tensors.add(stored(name));
                }
            }
            if (parser.nextToken() != null) {
                throw Safetensors.malformed(file, "its header goes on after the closing brace");
            }
            return new SafetensorsHeader(metadata, tensors, dataSize);
        }

        private Map<String, String> metadata() {
            expect(JsonToken.START_OBJECT, METADATA, "an object");
            var metadata = new LinkedHashMap<String, String>();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                var key = parser.currentName();
                expect(JsonToken.VALUE_STRING, METADATA + "." + key, "a string");
                metadata.put(key, parser.getString());
            }
            return metadata;
        }

        private Stored stored(String name) {
            var what = "tensor '" + name + "'";
            expect(JsonToken.START_OBJECT, what, "an object");
            StoredType type = null;
            long[] extents = null;
            long[] offsets = null;
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                switch (parser.currentName()) {
                    case "dtype" -> {
                        expect(JsonToken.VALUE_STRING, "the dtype of " + what, "a string");
                        var text = parser.getString();
                        type = StoredType.of(text)
                                .orElseThrow(() -> Safetensors.malformed(
                                        file, "%s has the unknown dtype '%s'".formatted(what, text)));
                    }
                    case "shape" -> extents = integers("the shape of " + what, MOST_AXES);
                    case "data_offsets" -> offsets = integers("the data_offsets of " + what, 2);
                    default ->
                        throw Safetensors.malformed(
                                file, "%s has the unknown key '%s'".formatted(what, parser.currentName()));
                }
            }
            if (type == null || extents == null || offsets == null || offsets.length != 2) {
                throw Safetensors.malformed(file, what + " lacks dtype, shape or both data_offsets");
            }
            return stored(name, type, extents, offsets[0], offsets[1]);
        }

        private Stored stored(String name, StoredType type, long[] extents, long begin, long end) {
            long bytes = type.byteSize();
            try {
                for (long extent : extents) {
                    bytes = Math.multiplyExact(bytes, (long) Math.toIntExact(extent));
                }
            } catch (ArithmeticException e) {
                throw Safetensors.malformed(
                        file, "tensor '%s' is too large: %s".formatted(name, Arrays.toString(extents)));
            }
            if (end < begin || end - begin != bytes) {
                throw Safetensors.malformed(
                        file,
                        "tensor '%s' needs %,d bytes and its data_offsets are %,d to %,d"
                                .formatted(name, bytes, begin, end));
            }
            return new Stored(name, type, extents.length == 0 ? Shape.of(1) : Shape.of(extents), begin, end);
        }

        private long[] integers(String what, int most) {
            expect(JsonToken.START_ARRAY, what, "an array");
            var values = new ArrayList<Long>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || parser.getLongValue() < 0) {
                    throw Safetensors.malformed(
                            file, "%s holds '%s', which is no size".formatted(what, parser.getString()));
                }
                values.add(parser.getLongValue());
                if (values.size() > most) {
                    throw Safetensors.malformed(file, "%s has more than %d numbers".formatted(what, most));
                }
            }
            return values.stream().mapToLong(Long::longValue).toArray();
        }

        private void expect(JsonToken token, String what, String kind) {
            if (parser.nextToken() != token) {
                throw Safetensors.malformed(file, "%s is not %s".formatted(what, kind));
            }
        }
    }
}
