package org.mixtureofmamba.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class AtomicFilesTest {
    @TempDir
    Path folder;

    @Test
    void aFailedWriteLeavesTheFormerFileAndNothingElse() throws IOException {
        var file = folder.resolve("kept.txt");
        AtomicFiles.writeString(file, "before");
        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> AtomicFiles.write(file, out -> {
                    out.write(1);
                    throw new IOException("No space left on device");
                }))
                .withMessageContaining("kept.txt")
                .withMessageContaining("No space left");
        assertThat(file).hasContent("before");
        try (var entries = Files.list(folder)) {
            assertThat(entries).containsExactly(file);
        }
    }

    @Test
    void foldersOnTheWayAreMade() {
        var file = folder.resolve("a/b/c.txt");
        AtomicFiles.writeString(file, "é\n");
        assertThat(file).hasContent("é\n");
    }
}
