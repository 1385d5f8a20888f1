package org.mixtureofmamba.core.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
    private Path directory;

    private Path file(String header, int dataBytes) {
        return file(header.getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    private Path file(byte[] header, int dataBytes) {
        var bytes = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header);
        return bytes(bytes.array());
    }

    private Path bytes(byte[] bytes) {
        try {
            return Files.write(directory.resolve("model.safetensors"), bytes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void assertRefused(Path file, String... reasons) {
        assertThatThrownBy(() -> Safetensors.open(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(file.toString())
                .hasMessageNotContaining("\n")
                .satisfies(e ->
                        assertThat(reasons).allSatisfy(reason -> assertThat(e).hasMessageContaining(reason)));
    }

    @Test
    void whatIsWrittenIsReadBitForBit() {
        var file = directory.resolve("sub/a.safetensors");
        try (var memory = new HostMemory()) {
            var brain = Tensor.of(DType.BFLOAT16, Shape.of(3), memory.allocate(6, "test"));
            brain.set(0, 1, -1.5);
            var tensors = new LinkedHashMap<String, Tensor>();
            tensors.put(
                    "z.double",
                    Tensor.ofDoubles(Math.PI, -0.0, Double.MIN_VALUE, Double.NaN)
                            .reshape(2, 2));
            tensors.put(
                    "a.float", Tensor.ofFloats(1, 2, 3, 4, 5, 6).reshape(2, 3).columns(1, 3));
            tensors.put("brain", brain);
            tensors.put("int", Tensor.ofInts(Integer.MIN_VALUE, 7, 8).reshape(1, 3, 1));
            tensors.put("empty", Tensor.ofFloats().reshape(0, 4));
            var metadata = Map.of("d_model", "16", "ä", "\"quoted\"\n");
            Safetensors.write(file, metadata, tensors, memory);
            try (var read = Safetensors.open(file)) {
                assertThat(read.metadata()).isEqualTo(metadata);
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

    @Test
    void theSameTensorsGiveTheSameBytes() throws IOException {
        var first = directory.resolve("first");
        var second = directory.resolve("second");
        try (var memory = new HostMemory()) {
            Safetensors.write(first, Map.of("x", "1", "y", "2"), Map.of("a", Tensor.ofFloats(1)), memory);
            Safetensors.write(second, Map.of("y", "2", "x", "1"), Map.of("a", Tensor.ofFloats(1)), memory);
        }
        assertThat(Files.readAllBytes(first)).isEqualTo(Files.readAllBytes(second));
        assertThat(Files.readAllBytes(first)[0] % 8)
                .as("the elements are aligned")
                .isZero();
    }

    @Test
    void typesThatNoTensorHoldsDoNotHinderTheOthers() {
        var file = file(
                "{\"ids\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]}}",
                12);
        try (var read = Safetensors.open(file)) {
            assertThat(read.tensors()).containsOnlyKeys("a");
            assertThat(read.find("a").orElseThrow().toDoubles()).containsExactly(0);
            assertThatThrownBy(() -> read.find("ids"))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("I64");
        }
    }

    @Test
    void refusesFilesCutOff() {
        assertRefused(bytes(new byte[] {1, 0, 0}), "3 bytes");
        assertRefused(bytes(new byte[] {50, 0, 0, 0, 0, 0, 0, 0, '{'}), "cut off after 1");
        assertRefused(file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7), "cut off after 7");
    }

    @Test
    void refusesEveryTruncationOfASoundFile() throws IOException {
        var sound = directory.resolve("sound");
        try (var memory = new HostMemory()) {
            Safetensors.write(
                    sound, Map.of("k", "v"), Map.of("a", Tensor.ofFloats(1, 2), "b", Tensor.ofInts(3)), memory);
        }
        var whole = Files.readAllBytes(sound);
        for (int length = 0; length < whole.length; length++) {
            assertRefused(bytes(Arrays.copyOf(whole, length)));
        }
    }

    @Test
    void refusesHugeHeadersWithoutAllocatingThem() {
        assertRefused(bytes(new byte[] {-1, -1, -1, -1, -1, -1, -1, 127, '{'}), "9223372036854775807");
        assertRefused(bytes(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, '{'}), "18446744073709551615");
        assertRefused(bytes(new byte[] {1, -31, -11, 5, 0, 0, 0, 0, '{'}), "100000001");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "                                                                                           | the header is not an object",
                "[]                                                                                         | the header is not an object",
                "{                                                                                          | not JSON",
                "{} {}                                                                                      | goes on",
                "{\"a\":7}                                                                                  | tensor 'a' is not an object",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}                                                  | lacks",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]}}                             | lacks",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}                         | more than 2",
                "{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}                           | unknown dtype 'F33'",
                "{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}                                 | not a string",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}                          | -2",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}                         | 2.0",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}                       | '2'",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[[2]],\"data_offsets\":[0,8]}}                         | no size",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}                          | -8",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}                           | needs 8 bytes",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}                           | needs 12 bytes",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}        | not JSON of the format",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}       | too large",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4294967296],\"data_offsets\":[0,0]}}                 | too large",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"z\":1}}                   | unknown key 'z'",
                "{\"__metadata__\":{\"k\":1},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | not a string",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}                           | 4 bytes after the last",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}                           | belong to no tensor",
            })
    void refusesMalformedHeaders(String header, String reason) {
        assertRefused(file(header == null ? "" : header, 8), reason);
    }

    @Test
    void refusesOverlapAndDuplicates() {
        assertRefused(
                file(
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        8),
                "'b'",
                "within the one before");
        assertRefused(
                file(
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        8),
                "uplicate");
        assertRefused(
                file("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
                "uplicate");
    }

    @Test
    void refusesHeadersThatAreNotText() {
        assertRefused(file(new byte[] {'{', '"', (byte) 0xff, '"'}, 0), "not JSON");
        assertRefused(file("[".repeat(100_000), 0), "not an object");
        assertRefused(file("{\"a\":{\"shape\":" + "[".repeat(100_000), 0));
    }

    @Test
    void namesAMissingFile() {
        assertRefused(directory.resolve("nowhere.safetensors"), "no file");
        assertRefused(directory);
    }
}
