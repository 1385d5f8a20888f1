package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class RouterLoadTest {
    @TempDir
    private Path directory;

    private Run run(String observations) throws IOException {
        Curves.write(directory, Curves.columns(3, 1, Curves::falling), "");
        Files.writeString(directory.resolve("observations.json"), observations);
        return Run.read(directory);
    }

    @Test
    void expertsAreNumberedByTheModalityThatTheyServe() throws IOException {
        var load = RouterLoad.of(run("""
                {"layers.0.load.expert_0.modality_0": 10, "layers.0.load.expert_0.modality_1": 90,
                 "layers.0.load.expert_1.modality_0": 190, "layers.0.load.expert_1.modality_1": 10,
                 "layers.1.load.expert_0.modality_0": 100, "layers.1.load.expert_0.modality_1": 50,
                 "layers.1.load.expert_1.modality_0": 100, "layers.1.load.expert_1.modality_1": 50}""")).orElseThrow();
        assertThat(load.blocks()).hasSize(2);
        assertThat(load.blocks().getFirst().shares()[0]).containsExactly(0.95, 0.05);
        assertThat(load.blocks().getFirst().shares()[1]).containsExactly(0.1, 0.9);
        assertThat(load.blocks().getFirst().found()).isCloseTo(0.925, within(1e-12));
        assertThat(load.blocks().getLast().found()).isCloseTo(0.5, within(1e-12));
        assertThat(load.mean().found()).isCloseTo(0.7125, within(1e-12));
    }

    @Test
    void aModelWithoutARouterHasNone() throws IOException {
        assertThat(RouterLoad.of(run("{\"layers.0.other\": 1}"))).isEmpty();
        Files.delete(directory.resolve("observations.json"));
        assertThat(RouterLoad.of(Run.read(directory))).isEmpty();
    }
}
