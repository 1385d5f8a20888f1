package org.mixtureofmamba.core.backend.cuda.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

class CudaLibrariesTest {
    @TempDir
    private Path folder;

    @Test
    void looksWhereTheEnvironmentSaysAndThenWhereToolkitsAre() throws IOException {
        for (var name : List.of("cuda-13.0", "cuda-13.1", "cuda-12.8", "bin")) {
            Files.createDirectory(folder.resolve(name));
        }
        assertThat(CudaLibraries.usualFolders(Map.of("CUDA_HOME", "/opt/cuda"), folder))
                .containsExactly(
                        Path.of("/opt/cuda/lib64"),
                        folder.resolve("cuda/lib64"),
                        folder.resolve("cuda-13.1/lib64"),
                        folder.resolve("cuda-13.0/lib64"));
    }

    @Test
    void saysThatALibraryIsNowhere() {
        assertThat(new CudaLibraries(List.of(folder)).load("libabsent.so.13")).isFalse();
    }
}
