package org.mixtureofmamba.core.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SafetensorsTest {
    @TempDir
    Path directory;

    @Test
    void whatIsWrittenIsReadBitForBit() {
        var file = directory.resolve("a.safetensors");
        try (var memory = new HostMemory()) {
            var brain = Tensor.of(DType.BFLOAT16, Shape.of(3), memory.allocate(6, "test"));
            brain.set(0, 1, -1.5);
            var tensors = new LinkedHashMap<String, Tensor>();
            tensors.put("z.double", Tensor.ofDoubles(Math.PI, -0.0, Double.MIN_VALUE, Double.NaN).reshape(2, 2));
            tensors.put("a.float", Tensor.ofFloats(1, 2, 3, 4, 5, 6).reshape(2, 3).columns(1, 3));
            tensors.put("brain", brain);
            tensors.put("int", Tensor.ofInts(Integer.MIN_VALUE, 7, 8).reshape(1, 3, 1));
            tensors.put("empty", Tensor.ofFloats().reshape(0, 4));
            Safetensors.write(file, Map.of("d_model", "16"), tensors, memory);
            try (var read = Safetensors.open(file)) {
                assertThat(read.metadata()).containsExactly(Map.entry("d_model", "16"));
                assertThat(read.tensors().keySet()).containsExactlyElementsOf(tensors.keySet());
                tensors.forEach((name, written) -> {
                    var back = read.find(name).orElseThrow();
                    assertThat(back.dtype()).isEqualTo(written.dtype());
                    assertThat(back.shape()).isEqualTo(written.shape());
                    assertThat(back.toDoubles()).isEqualTo(written.toDoubles());
                });
                assertThat(read.find("none")).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            textBlock =
                    """
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}                     | 12 | it has 12 bytes of elements
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}                     | 4  | lies at [0, 8] of 4
            {"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}                     | 8  | of 12 bytes lies at [0, 8]
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}                     | 8  | of 8 bytes lies at [8, 0]
            {"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}                    | 8  | no whole number from 0
            {"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}                   | 8  | no whole number from 0
            {"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}  | 8  | no whole number from 0
            {"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}} | 8  | too large
            {"a":{"dtype":"F32","shape":[2]}}                                          | 8  | no shape or no offsets
            {"a":{"dtype":"F8","shape":[8],"data_offsets":[0,8]}}                      | 8  | of type "F8"
            {"a":7}                                                                    | 0  | of type
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 4 | overlap or leave a gap at byte 4
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}                     | 8  | overlap or leave a gap at byte 0
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 4 | no JSON
            [1, 2]                                                                     | 0  | no JSON object
            {"a":                                                                      | 0  | no JSON
            """)
    void malformedHeadersAreNamed(String header, int elements, String complaint) throws IOException {
        var json = header.getBytes(StandardCharsets.UTF_8);
        var file = write(ByteBuffer.allocate(8 + json.length + elements)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array());
        assertThatThrownBy(() -> Safetensors.open(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(complaint);
    }

    @Test
    void hostileLengthsAllocateNothing() throws IOException {
        for (long length : new long[] {Long.MAX_VALUE, Long.MIN_VALUE, -1, 0, 1L << 40, 99_999_999}) {
            var file = write(
                    ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
            assertThatThrownBy(() -> Safetensors.open(file))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("its header would have " + length + " bytes");
        }
        assertThatThrownBy(() -> Safetensors.open(write(new byte[3]))).hasMessageContaining("shorter");
        assertThatThrownBy(() -> Safetensors.open(write(new byte[0]))).hasMessageContaining("shorter");
        assertThatThrownBy(() -> Safetensors.open(directory.resolve("none"))).hasMessageContaining("no file");
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(directory.resolve("bad.safetensors"), bytes);
    }
}
