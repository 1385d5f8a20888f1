package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.function.Predicate;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.data.document.ContentHash;
import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;

/**
 * One source to its shards. This thread reads samples and gathers documents in order; workers tokenise chunks of
 * samples between, never more of them than a bound, so that memory does not grow with the source. Where the workers
 * have enough to do this thread tokenises too: so there are as many threads as cores. A finished shard is written by a
 * thread that mostly waits for the disk.
 */
final class PartPreparation {
    static final ContentHash NO_HASH = new ContentHash(0, 0);

    private static final int SAMPLES_PER_CHUNK = 64;
    private static final long BYTES_PER_CHUNK = 4 << 20;
    /** That wait for a worker. */
    static final int CHUNKS_PER_THREAD = 3;
    /** That wait for a slow one before them. */
    private static final int CHUNKS_PER_THREAD_IN_WORK = 4 * CHUNKS_PER_THREAD;
    /** Raw samples in memory beyond one chunk; a single sample may be larger. */
    private static final long BYTES_IN_WORK = 96 << 20;

    private final Preparation preparation;
    private final Source source;
    private final Path out;
    private final ExecutorService workers;
    private final ShardShelf shelf;
    private final PrepareProgress progress;
    private final int firstShard;
    private final int mostShards;
    /** Asked of each sample, in order. */
    private final Predicate<Sample> duplicate;

    private final ShardPlan.Range range;

    private final ArrayDeque<Work> inWork = new ArrayDeque<>();
    private long bytesInWork;
    /** One is filled while the other is written. */
    private ShardAssembly filled;

    private ShardAssembly written;
    private Optional<Future<?>> writing = Optional.empty();

    private final List<String> shards = new ArrayList<>();
    /** Whose documents are made. */
    private long samples;

    private long skipped;
    private long documents;
    private long tokens;

    /**
     * A chunk of samples that is being tokenised.
     *
     * @param last whether it is its shard's last
     */
    private record Work(
            Path shard, FutureTask<ShardAssembly.Tokenised> tokenised, int samples, long bytes, boolean last) {}

    PartPreparation(
            Preparation preparation,
            Source source,
            Path out,
            ExecutorService workers,
            ShardShelf shelf,
            PrepareProgress progress) {
        this(preparation, source, out, workers, shelf, progress, 0, Integer.MAX_VALUE, seenBefore());
    }

    /**
     * @param source which begins where the first shard does
     * @param mostShards after which no more is read
     * @param duplicate whether a sample's content came before; asked of each sample, in order
     */
    PartPreparation(
            Preparation preparation,
            Source source,
            Path out,
            ExecutorService workers,
            ShardShelf shelf,
            PrepareProgress progress,
            int firstShard,
            int mostShards,
            Predicate<Sample> duplicate) {
        this.preparation = preparation;
        this.source = source;
        this.out = out;
        this.workers = workers;
        this.shelf = shelf;
        this.progress = progress;
        this.firstShard = firstShard;
        this.mostShards = mostShards;
        this.duplicate = duplicate;
        this.range = new ShardPlan.Range(preparation.samplesPerShard());
        this.filled = new ShardAssembly(preparation.documents().interleaver().vocabulary());
        this.written = new ShardAssembly(preparation.documents().interleaver().vocabulary());
    }

    Manifest.PartEntry run() throws IOException {
        try (var reader = source.open();
                var writer = Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon().name("prepare-write").factory())) {
            while (shards.size() < mostShards && reader.hasNext()) {
                var file = out.resolve(shardName(source, firstShard + shards.size()));
                boolean passed = isWhole(file);
                shards.add(file.getFileName().toString());
                range.nextShard();
                if (passed) {
                    passOver(reader);
                } else {
                    read(reader, file, writer);
                }
            }
            inWork.reversed().forEach(work -> work.tokenised().run()); // does nothing where a worker has begun it
            while (!inWork.isEmpty()) {
                gatherNext(writer);
            }
            awaitWriting();
        }
        return new Manifest.PartEntry(source.name(), source.description(), samples, skipped, documents, tokens, shards);
    }

    static String shardName(Source source, int number) {
        return "%s-%05d.tokens".formatted(source.name(), number);
    }

    private static Predicate<Sample> seenBefore() {
        var seen = new HashSet<ContentHash>();
        return sample -> {
            var hash = comparedHash(sample);
            return !hash.equals(NO_HASH) && !seen.add(hash);
        };
    }

    /** What a duplicate has in common with the first; {@link #NO_HASH} for a sample that cannot be used. */
    static ContentHash comparedHash(Sample sample) {
        return sample instanceof Sample.Rejected ? NO_HASH : sample.contentHash();
    }

    /** Whether an earlier run finished the shard; one that is damaged is made again. */
    private boolean isWhole(Path file) throws IOException {
        var contents = shelf.find(file);
        contents.ifPresent(whole -> {
            documents += whole.documents();
            tokens += whole.tokens();
            skipped += whole.skipped();
        });
        return contents.isPresent();
    }

    private void passOver(SampleReader reader) {
        while (range.hasMore(reader)) {
            next(reader);
            samples++;
        }
        progress.at(source.name(), samples, skipped, tokens);
    }

    /**
     * Reads the samples of a shard and has them tokenised; what is finished of this shard or those before is gathered
     * on the way.
     */
    private void read(SampleReader reader, Path shard, ExecutorService writer) {
        while (range.hasMore(reader)) {
            var chunk = new ArrayList<Sample>();
            long bytes = 0;
            while (chunk.size() < SAMPLES_PER_CHUNK && bytes < BYTES_PER_CHUNK && range.hasMore(reader)) {
                var sample = next(reader);
                bytes += sample.size();
                chunk.add(sample);
            }
            var tokenised = new FutureTask<>(() -> ShardAssembly.Tokenised.of(chunk, preparation.documents()));
            inWork.add(new Work(shard, tokenised, chunk.size(), bytes, !range.hasMore(reader)));
            bytesInWork += bytes;
            if (preparation.threads() > 1) {
                workers.execute(tokenised);
            }
            while (!inWork.isEmpty() && (inWork.peek().tokenised().isDone() || isTooMuchInWork())) {
                gatherNext(writer);
            }
        }
    }

    private boolean isTooMuchInWork() {
        return inWork.size() > CHUNKS_PER_THREAD_IN_WORK * preparation.threads()
                || bytesInWork > BYTES_IN_WORK && inWork.size() > 1;
    }

    private void gatherNext(ExecutorService writer) {
        var work = inWork.remove();
        work.tokenised().run();
        var tokenised = finished(work.tokenised());
        bytesInWork -= work.bytes();
        filled.gather(tokenised);
        samples += work.samples();
        documents += tokenised.documents().size();
        skipped += tokenised.skipped().size();
        tokens += tokenised.documents().stream()
                .mapToLong(document -> document.tokens().length)
                .sum();
        progress.at(source.name(), samples, skipped, tokens);
        if (work.last()) {
            awaitWriting();
            var full = filled;
            filled = written;
            written = full;
            writing = Optional.of(writer.submit(() -> {
                full.write(work.shard());
                shelf.keep(work.shard());
                return true;
            }));
        }
    }

    private void awaitWriting() {
        writing.ifPresent(PartPreparation::finished);
        writing = Optional.empty();
    }

    private Sample next(SampleReader reader) {
        var sample = reader.next();
        range.count(ShardPlan.Range.text(sample));
        return preparation.dropDuplicates() && duplicate.test(sample)
                ? new Sample.Rejected(sample.id(), "its content equals an earlier sample's")
                : sample;
    }

    private static <T> T finished(Future<T> work) {
        try {
            return work.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof MomException known) {
                throw known;
            }
            if (e.getCause() instanceof IOException failed) {
                throw new FailureException(
                        "cannot write what was prepared: %s; free space and run the same command again"
                                .formatted(failed.getMessage()),
                        failed);
            }
            throw new IllegalStateException("preparing failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException("interrupted; run the same command again to go on", e);
        }
    }
}
