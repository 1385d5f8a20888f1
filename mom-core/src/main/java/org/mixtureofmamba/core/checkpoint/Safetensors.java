package org.mixtureofmamba.core.checkpoint;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A file of named tensors in the safetensors format: the header's length as 8 bytes, a JSON header of types, shapes and offsets, then the
 * elements, little-endian. Open files are mapped into memory, so a tensor costs nothing until its elements are read.
 */
public final class Safetensors implements AutoCloseable {
    /** As the format's own library bounds it. */
    private static final long LARGEST_HEADER = 100_000_000;

    private static final int ALIGNMENT = 8;
    private static final String METADATA = "__metadata__";
    private static final Map<DType, String> NAMES = Map.of(
            DType.FLOAT64, "F64", DType.FLOAT32, "F32", DType.BFLOAT16, "BF16", DType.INT32, "I32");
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .build();

    private final Arena arena;
    private final Map<String, String> metadata;
    private final Map<String, Tensor> tensors;

    private Safetensors(Arena arena, Map<String, String> metadata, Map<String, Tensor> tensors) {
        this.arena = arena;
        this.metadata = Collections.unmodifiableMap(metadata);
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Opens a file and checks all of its header.
     *
     * @throws UserException if it cannot be read or is not whole, saying what is wrong with it
     */
    public static Safetensors open(Path file) {
        var arena = Arena.ofShared();
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var memory = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return parse(file, memory, arena);
        } catch (NoSuchFileException e) {
            arena.close();
            throw new UserException("no file %s".formatted(file), e);
        } catch (IOException e) {
            arena.close();
            throw new UserException("cannot read %s: %s".formatted(file, e.getMessage()), e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private static Safetensors parse(Path file, MemorySegment memory, Arena arena) {
        if (memory.byteSize() < Long.BYTES) {
            throw malformed(file, "it is shorter than the length of a header");
        }
        long length = memory.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        if (length < 2 || length > LARGEST_HEADER || length > memory.byteSize() - Long.BYTES) {
            throw malformed(file, "its header would have %d bytes".formatted(length));
        }
        JsonNode header;
        try {
            header = JSON.readTree(memory.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE));
        } catch (JacksonException e) {
            throw malformed(file, "its header is no JSON: " + e.getOriginalMessage());
        }
        if (!header.isObject()) {
            throw malformed(file, "its header is no JSON object");
        }
        var elements = memory.asSlice(Long.BYTES + length);
        var metadata = new LinkedHashMap<String, String>();
        var tensors = new LinkedHashMap<String, Tensor>();
        var ranges = new ArrayList<long[]>();
        for (var entry : header.properties()) {
            if (entry.getKey().equals(METADATA)) {
                entry.getValue().properties().forEach(pair -> metadata.put(pair.getKey(), pair.getValue().asString()));
            } else {
                tensors.put(entry.getKey(), tensor(file, entry.getKey(), entry.getValue(), elements, ranges));
            }
        }
        requireNoGaps(file, ranges, elements.byteSize());
        return new Safetensors(arena, metadata, tensors);
    }

    private static Tensor tensor(Path file, String name, JsonNode entry, MemorySegment elements, List<long[]> ranges) {
        var dtype = Arrays.stream(DType.values())
                .filter(type -> NAMES.get(type).equals(entry.path("dtype").asString("")))
                .findFirst()
                .orElseThrow(() -> malformed(
                        file, "%s is of type %s, not F64, F32, BF16 or I32".formatted(name, entry.path("dtype"))));
        var extents = longs(file, name, entry.path("shape"));
        var offsets = longs(file, name, entry.path("data_offsets"));
        // A scalar is a tensor of one element here.
        var shape = Shape.of(extents.length == 0 ? new long[] {1} : extents);
        long bytes;
        try {
            bytes = Math.multiplyExact(shape.size(), (long) dtype.byteSize());
            Math.toIntExact(shape.extent(shape.rank() - 1));
        } catch (ArithmeticException e) {
            throw malformed(file, "%s is too large: %s".formatted(name, shape));
        }
        if (offsets.length != 2 || offsets[1] > elements.byteSize() || offsets[1] - offsets[0] != bytes) {
            throw malformed(file, "%s %s of %d bytes lies at %s of %d"
                    .formatted(name, shape, bytes, Arrays.toString(offsets), elements.byteSize()));
        }
        ranges.add(offsets);
        return Tensor.of(dtype, shape, new Storage.Host(elements.asSlice(offsets[0], bytes)));
    }

    private static long[] longs(Path file, String name, JsonNode array) {
        var values = new long[array.isArray() ? array.size() : 0];
        for (int i = 0; i < values.length; i++) {
            if (!array.get(i).isIntegralNumber() || !array.get(i).canConvertToLong() || array.get(i).asLong() < 0) {
                throw malformed(file, "%s has an extent or offset that is no whole number from 0: %s".formatted(name, array));
            }
            values[i] = array.get(i).asLong();
        }
        if (!array.isArray()) {
            throw malformed(file, name + " has no shape or no offsets");
        }
        return values;
    }

    /** The format wants every byte to belong to one tensor: nothing is hidden in a file and no two tensors overlap. */
    private static void requireNoGaps(Path file, List<long[]> ranges, long size) {
        ranges.sort(Comparator.<long[]>comparingLong(range -> range[0]).thenComparingLong(range -> range[1]));
        long end = 0;
        for (var range : ranges) {
            if (range[0] != end) {
                throw malformed(file, "tensors overlap or leave a gap at byte %d of the elements".formatted(end));
            }
            end = range[1];
        }
        if (end != size) {
            throw malformed(file, "it has %d bytes of elements, its header tells of %d".formatted(size, end));
        }
    }

    private static UserException malformed(Path file, String what) {
        return new UserException("%s is no whole safetensors file: %s; copy it again".formatted(file, what));
    }

    /** The free text of the header. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** The tensors by name, in the order of the header; valid until this is closed, and not to be written to. */
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    @Override
    public void close() {
        arena.close();
    }

    /**
     * Writes tensors, on the host or on a device, one after the other in the order of the map; the file appears whole or not at all, and
     * the same content gives the same bytes.
     *
     * @param memory that can read the tensors
     * @throws org.mixtureofmamba.core.FailureException if the disk refuses
     */
    public static void write(Path file, Map<String, String> metadata, Map<String, Tensor> tensors, Memory memory) {
        var header = new LinkedHashMap<String, Object>();
        if (!metadata.isEmpty()) {
            header.put(METADATA, new TreeMap<>(metadata));
        }
        long offset = 0;
        for (var entry : tensors.entrySet()) {
            var tensor = entry.getValue();
            long end = offset + tensor.size() * tensor.dtype().byteSize();
            var fields = new LinkedHashMap<String, Object>();
            fields.put("dtype", NAMES.get(tensor.dtype()));
            fields.put("shape", tensor.shape().toArray());
            fields.put("data_offsets", new long[] {offset, end});
            header.put(entry.getKey(), fields);
            offset = end;
        }
        var json = JSON.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
        int padding = (ALIGNMENT - json.length % ALIGNMENT) % ALIGNMENT;
        AtomicFiles.write(file, out -> {
            out.write(ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length + padding)
                    .array());
            out.write(json);
            out.write(" ".repeat(padding).getBytes(StandardCharsets.US_ASCII));
            for (var tensor : tensors.values()) {
                writeElements(tensor, memory, out);
            }
        });
    }

    private static void writeElements(Tensor tensor, Memory memory, OutputStream out) throws IOException {
        try (var arena = Arena.ofConfined()) {
            var host = Tensor.onHost(arena, tensor.dtype(), tensor.shape().toArray());
            memory.copy(tensor, host);
            var bytes = host.segment().asSlice(0, tensor.size() * tensor.dtype().byteSize());
            var channel = Channels.newChannel(out);
            long written = 0;
            while (written < bytes.byteSize()) {
                long piece = Math.min(bytes.byteSize() - written, 1 << 24);
                written += channel.write(bytes.asSlice(written, piece).asByteBuffer());
            }
        }
    }
}
