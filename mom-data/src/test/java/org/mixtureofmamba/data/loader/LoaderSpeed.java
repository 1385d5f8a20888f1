package org.mixtureofmamba.data.loader;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.shard.TokenShardWriter;
import org.mixtureofmamba.tokenizers.Vocabulary;
import org.mixtureofmamba.tokenizers.Vocabulary.Special;

/**
 * Tokens a second of the batch loader on random documents of three modalities; {@code benchmarks/data-engine.md} has
 * the figures.
 */
public final class LoaderSpeed {
    private static final Vocabulary VOCABULARY = new Vocabulary(65_000, 8192, 500);
    private static final Map<Modality, Double> SHARES =
            Map.of(Modality.TEXT, 0.5, Modality.IMAGE, 0.35, Modality.SPEECH, 0.15);

    private LoaderSpeed() {}

    public static void main(String[] arguments) throws Exception {
        var directory = Files.createTempDirectory("loader-speed");
        try {
            write(directory);
            try (var corpus = TokenCorpus.open(directory)) {
                for (var shape : List.of(BatchShape.of(8, 1536), BatchShape.of(8, 4096), BatchShape.of(64, 4096))) {
                    measure(corpus, shape);
                }
            }
        } finally {
            try (var files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    private static void measure(TokenCorpus corpus, BatchShape shape) {
        try (var loader = BatchLoader.train(corpus, Mixture.ofModalities(corpus, SHARES), shape, 1)) {
            int tokens = shape.batch() * shape.length();
            int warmUp = Math.max(20, 20_000_000 / tokens);
            int steps = Math.max(20, 60_000_000 / tokens);
            for (int step = 0; step < warmUp; step++) {
                loader.batch(step);
            }
            long start = System.nanoTime();
            long cpu = cpuNanos();
            for (int step = warmUp; step < warmUp + steps; step++) {
                loader.batch(step);
            }
            double seconds = (System.nanoTime() - start) * 1e-9;
            double millions = steps * (double) tokens / 1e6;
            System.out.printf(
                    "B %d, L %d: %.1f million tokens/s, %.1f million a processor second, padding %.3f %%%n",
                    shape.batch(),
                    shape.length(),
                    millions / seconds,
                    millions / ((cpuNanos() - cpu) * 1e-9),
                    100 * loader.loaded().paddingShare());
        }
    }

    private static long cpuNanos() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos();
    }

    private static void write(Path directory) {
        var random = new Random(0);
        var text = new TokenShardWriter(VOCABULARY);
        var images = new TokenShardWriter(VOCABULARY);
        var speech = new TokenShardWriter(VOCABULARY);
        for (int d = 0; d < 40_000; d++) {
            text.add("t" + d, d % 20 == 0, document(random, 20 + random.nextInt(500), Special.PAD, 0));
            if (d % 8 == 0) {
                images.add("i" + d, d % 20 == 0, document(random, random.nextInt(40), Special.BOI, 1024));
            }
            if (d % 4 == 0) {
                speech.add(
                        "s" + d,
                        d % 20 == 0,
                        document(random, random.nextInt(40), Special.BOS, 20 + random.nextInt(400)));
            }
        }
        text.write(directory.resolve("text-00000.tokens"));
        images.write(directory.resolve("images-00000.tokens"));
        speech.write(directory.resolve("speech-00000.tokens"));
        var sizes =
                new Manifest.VocabularySizes(VOCABULARY.textSize(), VOCABULARY.imageSize(), VOCABULARY.speechSize());
        var parts = List.of("text", "images", "speech").stream()
                .map(name -> new Manifest.PartEntry(name, "random", 0, 0, 0, 0, List.of(name + "-00000.tokens")))
                .toList();
        new Manifest(
                        Manifest.FORMAT,
                        "three-modality",
                        0,
                        new HeldOutSplit(0.05).byModality(),
                        false,
                        List.of(1.0),
                        1,
                        false,
                        sizes,
                        "none",
                        parts)
                .write(directory);
    }

    private static int[] document(Random random, int textLength, Special begin, int mediaLength) {
        int brackets = begin == Special.PAD ? 0 : 2;
        var tokens = new int[2 + textLength + mediaLength + brackets];
        int at = 0;
        tokens[at++] = VOCABULARY.special(Special.BOD);
        for (int i = 0; i < textLength; i++) {
            tokens[at++] = VOCABULARY.text(random.nextInt(VOCABULARY.textSize()));
        }
        if (brackets > 0) {
            tokens[at++] = VOCABULARY.special(begin);
            for (int i = 0; i < mediaLength; i++) {
                tokens[at++] = begin == Special.BOI
                        ? VOCABULARY.image(random.nextInt(VOCABULARY.imageSize()))
                        : VOCABULARY.speech(random.nextInt(VOCABULARY.speechSize()));
            }
            tokens[at++] = VOCABULARY.special(begin == Special.BOI ? Special.EOI : Special.EOS);
        }
        tokens[at] = VOCABULARY.special(Special.EOD);
        return tokens;
    }
}
