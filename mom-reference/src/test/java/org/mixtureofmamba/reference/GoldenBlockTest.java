package org.mixtureofmamba.reference;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.checkpoint.Safetensors;
import org.mixtureofmamba.core.parity.GoldenBlock;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The block on the backends that run anywhere, against the authors' own. */
class GoldenBlockTest {
    private static final Path DIRECTORY = Path.of("src/test/resources/golden");

    private static Map<String, Backend> backends;

    @TempDir
    private Path directory;

    @BeforeAll
    static void open() {
        backends = new LinkedHashMap<>();
        for (var name : List.of("reference", "cpu")) {
            backends.put(name, Backends.open(name, BackendOptions.defaults()));
        }
    }

    @AfterAll
    static void close() {
        backends.values().forEach(Backend::close);
    }

    static Stream<Path> files() throws IOException {
        try (var files = Files.list(DIRECTORY)) {
            return files.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList().stream();
        }
    }

    @Test
    void thereAreFilesToCompareWith() throws IOException {
        assertThat(files()).hasSize(9);
    }

    @ParameterizedTest
    @MethodSource("files")
    void everyBackendReproducesIt(Path file) {
        for (var backend : backends.values()) {
            var errors = GoldenBlock.compare(file, backend);
            assertThat(errors).hasSizeGreaterThanOrEqualTo(11);
            assertThat(errors)
                    .as(backend.name())
                    .allSatisfy(error -> assertThat(error.within(GoldenBlock.tolerance(backend)))
                            .as(error.describe())
                            .isTrue());
        }
    }

    @Test
    void gradientsOfWeightsThatNoTokenUsesAreExactlyZero() {
        for (var backend : backends.values()) {
            var errors = GoldenBlock.compare(DIRECTORY.resolve("mom-3-one-modality.safetensors"), backend);
            assertThat(errors).filteredOn(error -> error.error() == 0).hasSizeGreaterThanOrEqualTo(10);
        }
    }

    /** The tensors and metadata of {@code mom-2-shared-in}, to be spoilt. */
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private final Map<String, String> metadata = new LinkedHashMap<>();

    private Path soundCopy() {
        try (var sound = Safetensors.open(DIRECTORY.resolve("mom-2-shared-in.safetensors"))) {
            metadata.putAll(sound.metadata());
            sound.tensors().forEach((name, tensor) -> tensors.put(name, copy(tensor)));
        }
        return write();
    }

    private static Tensor copy(Tensor tensor) {
        var copy = tensor.dtype() == DType.INT32
                ? Tensor.ofInts(new int[(int) tensor.size()])
                : Tensor.ofDoubles(new double[(int) tensor.size()]);
        copy = copy.reshape(tensor.shape().toArray());
        HostMemory.copyOnHost(tensor, copy);
        return copy;
    }

    private Path write() {
        var file = directory.resolve("copy.safetensors");
        try (var memory = new HostMemory()) {
            Safetensors.write(file, metadata, tensors, memory);
        }
        return file;
    }

    private void assertRefused(String reason) {
        var file = write();
        assertThatThrownBy(() -> GoldenBlock.compare(file, backends.get("reference")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(reason)
                .hasMessageNotContaining("\n");
    }

    private boolean matches() {
        var reference = backends.get("reference");
        return GoldenBlock.compare(write(), reference).stream().allMatch(error -> error.within(1e-12));
    }

    @Test
    void oneWrongNumberAnywhereIsSeen() {
        soundCopy();
        assertThat(matches()).isTrue();
        for (var name : List.copyOf(tensors.keySet())) {
            if (!name.equals("modality")) {
                var tensor = tensors.get(name);
                double value = tensor.get(0, 0);
                tensor.set(0, 0, value + 1e-3);
                assertThat(matches()).as(name).isFalse();
                tensor.set(0, 0, value);
            }
        }
        tensors.get("modality").set(0, 5, 1 - tensors.get("modality").get(0, 5));
        assertThat(matches()).as("modality").isFalse();
    }

    @Test
    void goldenNumbersThatAreNoneMatchNothing() {
        soundCopy();
        tensors.get("output").set(0, 0, Double.NaN);
        assertThat(matches()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "input",
                "modality",
                "grad_output",
                "output",
                "grad_input",
                "param.A_log",
                "param.conv1d.weight",
                "param.D",
                "param.local_experts_dt_proj.1.bias",
                "param.local_experts_x_proj.0.weight",
                "grad.in_proj.weight"
            })
    void refusesAFileThatLacks(String name) {
        soundCopy();
        tensors.remove(name);
        assertRefused(name);
    }

    @Test
    void refusesFilesThatContradictThemselves() {
        soundCopy();
        metadata.put("d_model", "32");
        assertRefused("d_model 32");
        metadata.put("d_model", "sixteen");
        assertRefused("'sixteen'");
        metadata.remove("d_model");
        metadata.put("n_modalities", "3");
        assertRefused("local_experts_");
        metadata.put("n_modalities", "0");
        assertRefused("n_modalities is 0");
        metadata.put("n_modalities", "2000000000");
        assertRefused("n_modalities is 2000000000");
        metadata.remove("n_modalities");
        assertRefused("n_modalities");
        metadata.put("n_modalities", "2");
        assertThat(matches()).isTrue();

        tensors.get("modality").set(1, 3, 2);
        assertRefused("modality 2");
        tensors.get("modality").set(1, 3, -1);
        assertRefused("modality -1");
        tensors.get("modality").set(1, 3, 1);

        tensors.put("param.local_experts_x_proj.2.weight", tensors.get("param.local_experts_x_proj.1.weight"));
        assertRefused("no param.local_experts_x_proj.2.weight");
        tensors.remove("param.local_experts_x_proj.2.weight");

        var input = tensors.get("input");
        tensors.put("input", input.reshape(40, 16));
        assertRefused("[40, 16]");
        tensors.put("input", input.reshape(4, 10, 16));
        assertRefused("[2, 20");
        tensors.put("input", Tensor.ofDoubles().reshape(0, 20, 16));
        assertRefused("[0, 20, 16]");
    }

    /** Gives the two modalities' weight sets the names and the place of one, and all tokens the modality 0. */
    @Test
    void oneModalityMayBeSplitOrShared() {
        soundCopy();
        try (var dense = Safetensors.open(DIRECTORY.resolve("dense.safetensors"))) {
            tensors.clear();
            dense.tensors()
                    .forEach((name, tensor) -> tensors.put(
                            name.replaceAll(
                                    "(param|grad)\\.(x_proj|dt_proj|in_proj|out_proj)", "$1.local_experts_$2.0"),
                            copy(tensor)));
        }
        metadata.put("n_modalities", "1");
        for (int t = 0; t < 74; t++) {
            tensors.get("modality").set(t / 37, t % 37, 0);
        }
        assertThat(tensors).containsKey("param.local_experts_dt_proj.0.bias");
        assertThat(matches()).isTrue();
    }
}
