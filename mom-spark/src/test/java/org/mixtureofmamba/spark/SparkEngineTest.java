package org.mixtureofmamba.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.ContentHash;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.prepare.CorpusPlace;
import org.mixtureofmamba.data.prepare.CorpusPreparation;
import org.mixtureofmamba.data.prepare.PreparationEngine;
import org.mixtureofmamba.data.prepare.PreparationRequest;
import org.mixtureofmamba.data.prepare.PrepareProgress;

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
        return new PreparationRequest(
                texts, Setting.CHAMELEON, "", "", 3, new HeldOutSplit(0.1), Augmentation.NONE, 20, true);
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
        CorpusPreparation.prepare(request, place("alone"), PrepareProgress.SILENT);
        var engine = PreparationEngine.named("spark");
        engine.makeShards(request, "local[2]", directory.resolve("spark"));
        var made = contents("spark");
        CorpusPreparation.prepare(request, place("spark"), engine, "local[2]", PrepareProgress.SILENT);
        assertThat(contents("spark")).isEqualTo(contents("alone")).hasSizeGreaterThan(16);
        assertThat(made.keySet().stream().filter(file -> file.endsWith(".tokens")))
                .as("shards that Spark made itself")
                .containsExactlyElementsOf(contents("alone").keySet().stream()
                        .filter(file -> file.endsWith(".tokens"))
                        .toList());
    }

    private CorpusPlace place(String name) {
        return CorpusPlace.of(directory.resolve(name).toString(), directory);
    }

    /** Loading tokenizers takes seconds, listing sources may take minutes: not again for each of thousands of tasks. */
    @Test
    void anExecutorOpensTheRequestOnce() throws IOException {
        var request = request();
        var conf = new SparkConf().setAppName("once").setMaster("local[4]").set("spark.ui.enabled", "false");
        try (var spark = new JavaSparkContext(conf)) {
            var shared = spark.broadcast(new SharedRequest(request));
            var opened = spark.parallelize(IntStream.range(0, 40).boxed().toList(), 40)
                    .map(_ -> System.identityHashCode(shared.value().opened()))
                    .distinct()
                    .collect();
            assertThat(opened).hasSize(1);
        }
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
