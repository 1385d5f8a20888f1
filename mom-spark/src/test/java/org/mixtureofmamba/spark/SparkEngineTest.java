package org.mixtureofmamba.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.data.document.ContentHash;
import org.mixtureofmamba.data.prepare.PreparationEngine;
import org.mixtureofmamba.data.prepare.PreparationRequest;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.data.prepare.ShardShelf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Spark in local mode makes what the single machine makes. */
class SparkEngineTest {
    @TempDir
    Path directory;

    private PreparationRequest request() throws IOException {
        var random = new SplittableRandom(1);
        for (var name : List.of("a.txt", "b.txt")) {
            var pages = new StringBuilder();
            for (int page = 0; page < 150; page++) {
                for (int word = 0; word < 40; word++) {
                    pages.append(List.of("the ", "cat ", "sat ", "on ", "a ", "mat. ", "and ", "sang ")
                            .get(random.nextInt(8)));
                }
                pages.append("\n\n");
                if (page % 50 == 7) {
                    pages.append("twice\n\n");
                }
            }
            Files.writeString(directory.resolve(name), pages);
        }
        var texts = List.of("first=pages:" + directory.resolve("a.txt"), "both=pages:" + directory + "/{b,a,b}.txt");
        return new PreparationRequest(texts, "chameleon", "", "", 3, 0.1, false, List.of(1.0), 20, true);
    }

    private Map<String, String> contents(String name) throws IOException {
        var contents = new TreeMap<String, String>();
        var root = directory.resolve(name);
        try (var files = Files.walk(root)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                var bytes = Files.readAllBytes(file);
                contents.put(
                        root.relativize(file).toString(),
                        HexFormat.of()
                                .toHexDigits(ContentHash.of(digest -> digest.update(bytes))
                                        .high()));
            }
        }
        return contents;
    }

    @Test
    void theOutputIsThatOfTheSingleMachineToTheByte() throws IOException {
        var request = request();
        var set = request.openTokenizers();
        var preparation = request.preparation(set, 2);
        preparation.run(request.openSources(), directory.resolve("alone"), PrepareProgress.SILENT);
        var engine = ServiceLoader.load(PreparationEngine.class).findFirst().orElseThrow();
        assertThat(engine.name()).isEqualTo("spark");
        var out = directory.resolve("spark");
        preparation.begin(request.openSources(), out);
        var plans = engine.makeShards(request, "local[2]", out);
        var made = contents("spark");
        preparation.finish(request.openSources(), plans, out, ShardShelf.HERE, PrepareProgress.SILENT);
        assertThat(contents("spark")).isEqualTo(contents("alone")).hasSizeGreaterThan(16);
        assertThat(made.keySet().stream().filter(file -> file.endsWith(".tokens")))
                .as("shards that Spark made itself")
                .containsExactlyElementsOf(contents("alone").keySet().stream()
                        .filter(file -> file.endsWith(".tokens"))
                        .toList());
    }

    @Test
    void aJobThatFailsSaysWhy() throws IOException {
        var request = request();
        var file = directory.resolve("occupied");
        Files.writeString(file, "no directory");
        assertThatThrownBy(() -> new SparkEngine().makeShards(request, "local[1]", file))
                .isInstanceOf(FailureException.class)
                .hasMessageContainingAll("the Spark job on local[1] failed", "occupied");
    }
}
