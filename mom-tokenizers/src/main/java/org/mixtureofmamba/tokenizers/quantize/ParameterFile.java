package org.mixtureofmamba.tokenizers.quantize;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A tokenizer's settings and float arrays in one safetensors file; {@code kind} and the settings stand in its metadata.
 *
 * @param kind algorithm and version of the tokenizer
 * @param settings its numbers
 * @param arrays its parameters by name, each one-dimensional in the file
 */
public record ParameterFile(String kind, Map<String, Integer> settings, Map<String, float[]> arrays) {
    private static final int MAX_BYTES = 512 << 20;
    private static final int MAX_HEADER = 1 << 20;
    private static final String METADATA = "__metadata__";
    private static final String SINGLE = "F32";
    private static final String HALF = "F16";
    private static final JsonMapper MAPPER = new JsonMapper();

    public ParameterFile {
        settings = new TreeMap<>(settings);
        arrays = new TreeMap<>(arrays);
    }

    /**
     * Reads a file that must be of a kind.
     *
     * @throws UserException if it cannot be read, is damaged or of another kind, naming it
     */
    public static ParameterFile load(Path file, String kind) {
        try (var in = Files.newInputStream(file)) {
            return read(in, kind, file.toString());
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }

    /**
     * The kind of a file, read from its header alone; empty if it is no safetensors file or names none.
     *
     * @throws UserException if it cannot be read, naming it
     */
    public static Optional<String> kindOf(Path file) {
        try (var in = Files.newInputStream(file)) {
            byte[] length = in.readNBytes(Long.BYTES);
            long header = length.length < Long.BYTES
                    ? 0
                    : ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
            return header < 2 || header > MAX_HEADER
                    ? Optional.empty()
                    : MAPPER.readTree(in.readNBytes((int) header))
                            .path(METADATA)
                            .path("kind")
                            .asStringOpt();
        } catch (JacksonException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static ParameterFile read(InputStream in, String kind, String source) throws IOException {
        byte[] bytes = in.readNBytes(MAX_BYTES);
        try {
            return parse(bytes, kind, source);
        } catch (JacksonException | IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new UserException("%s is damaged or no tokenizer of kind %s".formatted(source, kind), e);
        }
    }

    private static ParameterFile parse(byte[] bytes, String kind, String source) {
        var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long headerLength = buffer.getLong(0);
        if (headerLength < 2 || headerLength > Math.min(MAX_HEADER, bytes.length - 8)) {
            throw new IllegalArgumentException("header of " + headerLength);
        }
        int data = 8 + (int) headerLength;
        JsonNode header = MAPPER.readTree(bytes, 8, (int) headerLength);
        JsonNode metadata = header.path(METADATA);
        String actual = metadata.path("kind").asString("");
        if (!actual.equals(kind)) {
            throw new UserException("%s holds a tokenizer of kind '%s', not '%s'".formatted(source, actual, kind));
        }
        var settings = new LinkedHashMap<String, Integer>();
        var arrays = new LinkedHashMap<String, float[]>();
        for (var entry : metadata.properties()) {
            if (!entry.getKey().equals("kind")) {
                settings.put(entry.getKey(), Integer.valueOf(entry.getValue().asString()));
            }
        }
        requireApart(header);
        for (var entry : header.properties()) {
            if (!entry.getKey().equals(METADATA)) {
                arrays.put(entry.getKey(), array(entry.getValue(), buffer, data));
            }
        }
        return new ParameterFile(kind, settings, arrays);
    }

    /** Arrays that share bytes would take memory many times the file's size. */
    private static void requireApart(JsonNode header) {
        var ends = new TreeMap<Long, Long>();
        for (var entry : header.properties()) {
            var offsets = entry.getValue().path("data_offsets");
            long from = offsets.path(0).asLong(-1);
            long to = offsets.path(1).asLong(-1);
            if (!entry.getKey().equals(METADATA) && from != to && ends.put(from, to) != null) {
                throw new IllegalArgumentException("two arrays begin at the same byte");
            }
        }
        long end = 0;
        for (var range : ends.entrySet()) {
            if (range.getKey() < end) {
                throw new IllegalArgumentException("two arrays share bytes");
            }
            end = range.getValue();
        }
    }

    private static float[] array(JsonNode entry, ByteBuffer buffer, int data) {
        int from = entry.path("data_offsets").path(0).asInt(-1);
        int to = entry.path("data_offsets").path(1).asInt(-1);
        int width = switch (entry.path("dtype").asString("")) {
            case SINGLE -> Float.BYTES;
            case HALF -> Short.BYTES;
            default -> throw new IllegalArgumentException("numbers of another type");
        };
        if (from < 0 || to < from || (to - from) % width != 0 || to > buffer.capacity() - data) {
            throw new IllegalArgumentException("bad array");
        }
        float[] values = new float[(to - from) / width];
        var bytes = buffer.slice(data + from, to - from).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
            values[i] = width == Short.BYTES ? Float.float16ToFloat(bytes.getShort(2 * i)) : bytes.getFloat(4 * i);
        }
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new IllegalArgumentException("not a finite number");
            }
        }
        return values;
    }

    /** Writes the file, whole or not at all. */
    public void save(Path file) {
        save(file, SINGLE);
    }

    /** Writes the file with numbers of 16 bits, half the size; they come back as {@link #halved} makes them. */
    public void saveHalved(Path file) {
        save(file, HALF);
    }

    /** Each number as the nearest of 16 bits (IEEE 754 binary16). */
    public static float[] halved(float[] values) {
        float[] halved = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            halved[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
        }
        return halved;
    }

    private void save(Path file, String type) {
        int width = type.equals(HALF) ? Short.BYTES : Float.BYTES;
        var header = new LinkedHashMap<String, Object>();
        var metadata = new LinkedHashMap<String, String>();
        metadata.put("kind", kind);
        settings.forEach((name, value) -> metadata.put(name, value.toString()));
        header.put(METADATA, metadata);
        int offset = 0;
        for (var entry : arrays.entrySet()) {
            int end = Math.addExact(offset, Math.multiplyExact(width, entry.getValue().length));
            var description = new LinkedHashMap<String, Object>();
            description.put("dtype", type);
            description.put("shape", new int[] {entry.getValue().length});
            description.put("data_offsets", new int[] {offset, end});
            header.put(entry.getKey(), description);
            offset = end;
        }
        String json = MAPPER.writeValueAsString(header);
        byte[] head = (json + " ".repeat((8 - json.length() % 8) % 8)).getBytes(StandardCharsets.UTF_8);
        var buffer = ByteBuffer.allocate(8 + head.length + offset).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(head.length).put(head);
        arrays.values().forEach(values -> {
            for (float value : values) {
                if (width == Short.BYTES) {
                    buffer.putShort(Float.floatToFloat16(value));
                } else {
                    buffer.putFloat(value);
                }
            }
        });
        AtomicFiles.write(file, out -> out.write(buffer.array()));
    }

    /** A setting that must be there and positive. */
    public int setting(String name) {
        Integer value = settings.get(name);
        if (value == null || value < 1) {
            throw new UserException("tokenizer of kind '%s' lacks the setting '%s'".formatted(kind, name));
        }
        return value;
    }

    /** An array that must be there and of a length. */
    public float[] array(String name, int length) {
        float[] values = arrays.get(name);
        if (values == null || values.length != length) {
            throw new UserException(
                    "tokenizer of kind '%s' lacks the array '%s' of %d numbers".formatted(kind, name, length));
        }
        return values;
    }
}
