package org.mixtureofmamba.tokenizers.text;

import java.io.BufferedWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * How fast a BPE is trained and how much heap that takes.
 *
 * <pre>
 * TrainBenchmark make MEGABYTES SOURCE OUT      a large text: the lines of a real one again and again, in a new order, one word in
 *                                               fifty changed into one that was never seen
 * TrainBenchmark train SIZE THREADS FILE...     trains and prints rates, processor time and peak heap
 * </pre>
 */
final class TrainBenchmark {
    private static final String CONSONANTS = "bcdfghklmnprstvz";
    private static final String VOWELS = "aeiou";

    private TrainBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        switch (arguments[0]) {
            case "make" -> make(Long.parseLong(arguments[1]) * 1_000_000, Path.of(arguments[2]), Path.of(arguments[3]));
            case "train" ->
                train(
                        Integer.parseInt(arguments[1]),
                        Integer.parseInt(arguments[2]),
                        List.of(arguments).subList(3, arguments.length).stream()
                                .map(Path::of)
                                .toList());
            default -> throw new IllegalArgumentException("make or train");
        }
    }

    private static void make(long bytes, Path source, Path out) throws IOException {
        var lines = Files.readAllLines(source);
        var random = new Random(0);
        try (BufferedWriter writer = Files.newBufferedWriter(out)) {
            for (long written = 0; written < bytes; ) {
                var line = new StringBuilder();
                for (String word : lines.get(random.nextInt(lines.size())).split(" ")) {
                    line.append(line.isEmpty() ? "" : " ").append(word);
                    if (random.nextInt(50) == 0) {
                        for (int k = random.nextInt(3); k >= 0; k--) {
                            line.append(CONSONANTS.charAt(random.nextInt(CONSONANTS.length())))
                                    .append(VOWELS.charAt(random.nextInt(VOWELS.length())));
                        }
                    }
                }
                writer.append(line).append('\n');
                written += line.length() + 1;
            }
        }
    }

    private static void train(int size, int threads, List<Path> files) throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        var process = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long start = System.nanoTime();
        var tokenizer = BpeTrainer.of(size).withThreads(threads).train(files);
        double wall = (System.nanoTime() - start) / 1e9;
        double processor = process.getProcessCpuTime() / 1e9;
        long peak = ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getPeakUsage().getUsed())
                .sum();
        System.out.printf(
                "%d ids from %.0f MB: %.1f s (%.1f MB/s), %.1f s of processor (%.1f MB/s of it), heap at most %.0f MB%n",
                tokenizer.vocabularySize(),
                bytes / 1e6,
                wall,
                bytes / wall / 1e6,
                processor,
                bytes / processor / 1e6,
                peak / 1e6);
    }
}
