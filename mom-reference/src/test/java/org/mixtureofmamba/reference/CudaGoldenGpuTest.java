package org.mixtureofmamba.reference;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.parity.GoldenBlock;

import static org.assertj.core.api.Assertions.assertThat;

/** The cuda backend against the authors' block. */
@Tag("gpu")
class CudaGoldenGpuTest {
    static Stream<Path> files() throws IOException, URISyntaxException {
        try (var files = Files.list(
                Path.of(CudaGoldenGpuTest.class.getResource("/golden").toURI()))) {
            return files.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void meetsTheAuthorsBlock(Path file) {
        for (var precision : Precision.values()) {
            try (var backend = Backends.open("cuda", new BackendOptions(1, 0, precision))) {
                double tolerance = GoldenBlock.tolerance(backend);
                assertThat(GoldenBlock.compare(file, backend))
                        .isNotEmpty()
                        .allSatisfy(error -> assertThat(error.within(tolerance))
                                .as(error.describe())
                                .isTrue());
            }
        }
    }
}
