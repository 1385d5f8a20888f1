package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;

import com.github.luben.zstd.ZstdOutputStream;
import org.mixtureofmamba.data.GivenSource;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.DocumentBatch;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.source.Bytes;
import org.mixtureofmamba.data.source.DemoCorpus;
import org.mixtureofmamba.data.source.ListReader;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;
import org.mixtureofmamba.data.source.TextPagesSource;
import org.mixtureofmamba.tokenizers.TokenizerSet;

/**
 * How fast a preparation is beside the tokenizers alone, on each part of the demo corpus, in turn in one process: the
 * tokenizers on samples in memory, on as many threads and with nothing else to do, then the whole way from the packed
 * source to shards on the disk. {@code PrepareSpeed [THREADS [ROUNDS [REPEATS [PART]]]]}, text and images REPEATS times
 * over; {@code benchmarks/data-engine.md} has the figures.
 */
public final class PrepareSpeed {
    private static final int CHUNK = 64;

    private final DocumentTokenizer tokenizer = DocumentTokenizer.of(
            TokenizerSet.demo(), Setting.THREE_MODALITY, 0, new HeldOutSplit(0.05), DemoCorpus.AUGMENTATION);
    private final int threads;

    private record Measured(long tokens, double seconds, double cpuSeconds) {
        double rate() {
            return tokens / seconds;
        }
    }

    private PrepareSpeed(int threads) {
        this.threads = threads;
    }

    public static void main(String[] arguments) throws Exception {
        int threads = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 2;
        int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 4;
        int repeats = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 4;
        var speed = new PrepareSpeed(threads);
        var directory = Files.createTempDirectory("prepare-speed");
        try {
            for (var source : sources(directory)) {
                if (arguments.length <= 3 || arguments[3].equals(source.name())) {
                    speed.measure(source, rounds, source.name().equals("speech") ? 1 : repeats);
                }
            }
        } finally {
            remove(directory);
        }
    }

    /**
     * The parts of the demo corpus, and its text once more from a file that is not packed and from one that is packed
     * with zstd.
     */
    private static List<Source> sources(Path directory) throws IOException {
        var plain = directory.resolve("text.txt");
        var zstd = directory.resolve("text.txt.zst");
        try (var packed = new GZIPInputStream(
                DemoCorpus.class.getResourceAsStream("/org/mixtureofmamba/data/demo/text.txt.gz"))) {
            Files.copy(packed, plain);
        }
        try (var out = new ZstdOutputStream(Files.newOutputStream(zstd))) {
            Files.copy(plain, out);
        }
        var sources = new ArrayList<>(DemoCorpus.sources(Setting.THREE_MODALITY));
        sources.add(new TextPagesSource("unpacked", List.of(Bytes.ofFile(plain))));
        sources.add(new TextPagesSource("zstd", List.of(Bytes.ofFile(zstd))));
        return sources;
    }

    private void measure(Source source, int rounds, int times) throws Exception {
        var samples = new ArrayList<Sample>();
        try (var reader = source.open()) {
            reader.forEachRemaining(samples::add);
        }
        var shares = new ArrayList<Double>();
        for (int round = 0; round < rounds; round++) {
            var alone = tokenizersAlone(samples, times);
            var prepared = prepared(repeated(source, times));
            shares.add(100 * alone.cpuSeconds() / prepared.cpuSeconds());
            System.out.printf(
                    "%s, round %d: tokenizers alone %,.0f tokens/s (%.2f cpu s), prepared %,.0f (%.2f cpu s): %.0f %% on the clock, %.0f %% of the cpu time%n",
                    source.name(),
                    round,
                    alone.rate(),
                    alone.cpuSeconds(),
                    prepared.rate(),
                    prepared.cpuSeconds(),
                    100 * prepared.rate() / alone.rate(),
                    shares.getLast());
        }
        var later = shares.stream().skip(1).sorted().toList();
        if (!later.isEmpty()) {
            System.out.printf(
                    "%s: median of the rounds after the first %.0f %% of the cpu time%n",
                    source.name(), later.get(later.size() / 2));
        }
    }

    private Measured tokenizersAlone(List<Sample> samples, int times) throws Exception {
        long start = System.nanoTime();
        double cpu = cpuSeconds();
        var next = new AtomicInteger();
        var counts = new ArrayList<Future<Long>>();
        try (var pool = Executors.newFixedThreadPool(threads)) {
            for (int t = 0; t < threads; t++) {
                counts.add(pool.submit(() -> {
                    long tokens = 0;
                    for (int from = next.getAndAdd(CHUNK);
                            from < samples.size() * times;
                            from = next.getAndAdd(CHUNK)) {
                        var batch = new DocumentBatch(tokenizer);
                        for (int i = from; i < Math.min(from + CHUNK, samples.size() * times); i++) {
                            batch.add(samples.get(i % samples.size()));
                        }
                        for (var document : batch.finish()) {
                            tokens += tokenizer.interleaver().tokens(document).length;
                        }
                    }
                    return tokens;
                }));
            }
        }
        long tokens = 0;
        for (var count : counts) {
            tokens += count.get();
        }
        return new Measured(tokens, (System.nanoTime() - start) * 1e-9, cpuSeconds() - cpu);
    }

    private Measured prepared(Source source) throws Exception {
        var directory = Files.createTempDirectory("prepare-speed");
        try {
            long start = System.nanoTime();
            double cpu = cpuSeconds();
            var manifest = new Preparation(tokenizer, "demo", 1024, false, threads)
                    .run(List.of(source), directory, PrepareProgress.SILENT);
            return new Measured(
                    manifest.parts().getFirst().tokens(), (System.nanoTime() - start) * 1e-9, cpuSeconds() - cpu);
        } finally {
            remove(directory);
        }
    }

    private static void remove(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }

    private static double cpuSeconds() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() * 1e-9;
    }

    /** A source several times over. */
    private static Source repeated(Source source, int times) {
        return GivenSource.like(source, () -> new SampleReader() {
            private SampleReader current = new ListReader(List.of());
            private int begun;

            @Override
            public boolean hasNext() {
                while (!current.hasNext() && begun < times) {
                    current.close();
                    current = source.open();
                    begun++;
                }
                return current.hasNext();
            }

            @Override
            public Sample next() {
                return current.next();
            }

            @Override
            public void close() {
                current.close();
            }
        });
    }
}
