package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.data.source.Sample;
import tools.jackson.databind.json.JsonMapper;

/** Why samples of one shard gave no document: {@code skipped/SHARD.jsonl}, a line each; no file where all did. */
final class SkippedFile {
    static final String DIRECTORY = "skipped";

    private static final JsonMapper JSON = JsonMapper.shared();

    private final Path file;

    SkippedFile(Path shard) {
        this.file = shard.resolveSibling(DIRECTORY).resolve(shard.getFileName() + ".jsonl");
    }

    Path path() {
        return file;
    }

    void write(List<Sample.Rejected> skipped) throws IOException {
        if (skipped.isEmpty()) {
            Files.deleteIfExists(file);
            return;
        }
        var lines = new StringBuilder();
        skipped.forEach(sample -> lines.append(JSON.writeValueAsString(sample)).append('\n'));
        AtomicFiles.writeString(file, lines.toString());
    }

    /** How many samples the shard lacks. */
    long count() throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        try (var lines = Files.lines(file)) {
            return lines.count();
        }
    }
}
