package org.mixtureofmamba.tokenizers.text;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;

/**
 * How fast text becomes ids, beside Hugging Face's library on the same {@code tokenizer.json}: {@code EncodeBenchmark
 * TOKENIZER.json TEXT}. One thread, its processor time, the two in turn, the best of several rounds; ids are compared.
 */
final class EncodeBenchmark {
    private static final int ROUNDS = 7;
    private static final Map<String, String> PLAIN =
            Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

    private EncodeBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[0]);
        String text = Files.readString(Path.of(arguments[1]));
        var ours = BpeTokenizer.load(file);
        try (var theirs = HuggingFaceTokenizer.newInstance(file, PLAIN)) {
            run("pages of about a kilobyte", List.of(text.split("\n\n")), ours, theirs);
            run("pieces of a megabyte", pieces(text, 1 << 20), ours, theirs);
        }
    }

    private static List<String> pieces(String text, int size) {
        return IntStream.rangeClosed(0, (text.length() - 1) / size)
                .mapToObj(i -> text.substring(i * size, Math.min(text.length(), (i + 1) * size)))
                .toList();
    }

    private static void run(String name, List<String> texts, BpeTokenizer ours, HuggingFaceTokenizer theirs) {
        for (String text : texts) {
            long[] expected = theirs.encode(text, false, false).getIds();
            if (!Arrays.equals(Arrays.stream(ours.encode(text)).asLongStream().toArray(), expected)) {
                throw new AssertionError("ids differ");
            }
        }
        long bytes = texts.stream()
                .mapToLong(t -> t.getBytes(StandardCharsets.UTF_8).length)
                .sum();
        double best = Double.MAX_VALUE;
        double theirBest = Double.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            best = Math.min(best, seconds(() -> texts.forEach(ours::encode)));
            theirBest = Math.min(
                    theirBest,
                    seconds(() ->
                            texts.forEach(t -> theirs.encode(t, false, false).getIds())));
        }
        System.out.printf(
                "%s: %.1f MB, ours %.1f MB/s, theirs %.1f MB/s, %.1f times%n",
                name, bytes / 1e6, bytes / best / 1e6, bytes / theirBest / 1e6, theirBest / best);
    }

    private static double seconds(Runnable work) {
        var threads = ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadCpuTime();
        work.run();
        return (threads.getCurrentThreadCpuTime() - before) / 1e9;
    }
}
