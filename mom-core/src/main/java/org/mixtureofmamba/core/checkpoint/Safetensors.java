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
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;
import tools.jackson.databind.json.JsonMapper;

/**
 * A file of named tensors in the safetensors format: the header's length as 8 bytes, a JSON header of types, shapes and
 * offsets, then the elements, little-endian. Open files are mapped into memory, so a tensor costs nothing until its
 * elements are read.
 */
public final class Safetensors implements AutoCloseable {
    /** As the format's own library bounds it. */
    private static final long LARGEST_HEADER = 100_000_000;

    private static final int ALIGNMENT = 8;
    private static final String METADATA = SafetensorsHeader.METADATA;
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Path file;
    private final Arena arena;
    private final Map<String, String> metadata;
    private final Map<String, Tensor> tensors;
    private final Map<String, StoredType> unusable;

    private Safetensors(
            Path file,
            Arena arena,
            Map<String, String> metadata,
            Map<String, Tensor> tensors,
            Map<String, StoredType> unusable) {
        this.file = file;
        this.arena = arena;
        this.metadata = Collections.unmodifiableMap(metadata);
        this.tensors = Collections.unmodifiableMap(tensors);
        this.unusable = unusable;
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
            throw new UserException("no file %s; check the path".formatted(file), e);
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
            throw malformed(
                    file, "it has %d bytes, fewer than the 8 of the header's length".formatted(memory.byteSize()));
        }
        long length = memory.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        long rest = memory.byteSize() - Long.BYTES;
        if (length < 0 || length > LARGEST_HEADER) {
            throw malformed(
                    file,
                    "its header would have %s bytes, more than the %,d allowed"
                            .formatted(Long.toUnsignedString(length), LARGEST_HEADER));
        }
        if (length > rest) {
            throw malformed(file, "its header of %,d bytes is cut off after %,d".formatted(length, rest));
        }
        var json = memory.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
        var header = SafetensorsHeader.parse(file, json, rest - length);
        var elements = memory.asSlice(Long.BYTES + length);
        var tensors = new LinkedHashMap<String, Tensor>();
        var unusable = new LinkedHashMap<String, StoredType>();
        for (var stored : header.tensors()) {
            var bytes = new Storage.Host(elements.asSlice(stored.begin(), stored.end() - stored.begin()));
            stored.type()
                    .dtype()
                    .ifPresentOrElse(
                            dtype -> tensors.put(stored.name(), Tensor.of(dtype, stored.shape(), bytes)),
                            () -> unusable.put(stored.name(), stored.type()));
        }
        return new Safetensors(file, arena, header.metadata(), tensors, unusable);
    }

    static UserException malformed(Path file, String what) {
        return new UserException(
                "%s is not a sound safetensors file: %s; fetch or write it again".formatted(file, what));
    }

    /** The free text of the header. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /**
     * The tensors by name, in the order of the header; valid until this is closed, and not to be written to. A scalar
     * is a tensor of one element. Tensors of a type that {@link DType} lacks are left out.
     */
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    /** @throws UserException if the tensor is of a type that {@link DType} lacks */
    public Optional<Tensor> find(String name) {
        if (unusable.containsKey(name)) {
            throw new UserException("%s of %s is of type %s, not F64, F32, BF16 or I32; convert it"
                    .formatted(name, file, unusable.get(name)));
        }
        return Optional.ofNullable(tensors.get(name));
    }

    @Override
    public void close() {
        arena.close();
    }

    /**
     * Writes tensors, on the host or on a device, one after the other in the order of the map; the file appears whole
     * or not at all, and the same content gives the same bytes.
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
            fields.put("dtype", StoredType.of(tensor.dtype()).name());
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
