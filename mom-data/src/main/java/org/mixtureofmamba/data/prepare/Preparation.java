package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.source.ChainedReader;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;
import org.mixtureofmamba.data.store.LocalStore;

/**
 * Turns sources into a corpus of token shards. A shard is made of a fixed range of one source's samples, so its bytes
 * depend on nothing but the sources and these settings: not on threads, nor on how often the work was broken off and
 * taken up again.
 *
 * @param documents makes documents of samples
 * @param tokenizers fingerprint of the tokenizers in it
 * @param samplesPerShard samples that one shard is made of
 * @param dropDuplicates whether a sample whose content equals an earlier one's of the same source is left out; takes
 *     about 100 bytes of memory a sample
 * @param threads that tokenise
 */
public record Preparation(
        DocumentTokenizer documents, String tokenizers, int samplesPerShard, boolean dropDuplicates, int threads) {
    /** What a directory is being filled with; a later call must agree with it. */
    static final String PLAN = "plan.json";

    public Preparation {
        if (samplesPerShard < 1 || threads < 1) {
            throw new UserException(
                    "%d samples a shard on %d threads: take at least one".formatted(samplesPerShard, threads));
        }
    }

    /**
     * Prepares the sources into {@code out}, or what is still missing there. Returns once {@code corpus.json} is
     * written.
     *
     * @throws UserException if a source cannot be read, no document comes of any, or {@code out} holds something else
     * @throws FailureException if a source breaks off or the disk refuses; finished shards stay and are not made again
     */
    public Manifest run(List<Source> sources, Path out, PrepareProgress progress) {
        return run(sources, out, ShardShelf.HERE, progress);
    }

    /** The same with shards that stay elsewhere than in {@code out}. */
    Manifest run(List<Source> sources, Path out, ShardShelf shelf, PrepareProgress progress) {
        checkNames(sources);
        try {
            createDirectory(out);
            try (var channel = FileChannel.open(
                            out.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var lock = channel.tryLock()) {
                if (lock == null) {
                    throw busy(out);
                }
                return runLocked(sources, out, shelf, progress);
            }
        } catch (OverlappingFileLockException e) {
            throw busy(out);
        } catch (IOException e) {
            throw new FailureException("cannot prepare into %s: %s".formatted(out, e.getMessage()), e);
        }
    }

    /**
     * Writes down what a directory is to be filled with, before other machines begin to fill it; {@link #run} ends the
     * work.
     */
    void begin(List<Source> sources, Path out) {
        checkNames(sources);
        try {
            createDirectory(out);
            agreeWith(plan(sources), out);
        } catch (IOException e) {
            throw new FailureException("cannot prepare into %s: %s".formatted(out, e.getMessage()), e);
        }
    }

    /** Counts what decides where the shards of a source begin, in one of its pieces. */
    ShardPlan.Count count(Source piece) {
        var texts = IntStream.builder();
        var hashes = LongStream.builder();
        try (var reader = piece.open()) {
            while (reader.hasNext()) {
                var sample = reader.next();
                texts.add(ShardPlan.Range.text(sample));
                if (dropDuplicates) {
                    var hash = PartPreparation.comparedHash(sample);
                    hashes.add(hash.high()).add(hash.low());
                }
            }
        }
        return new ShardPlan.Count(texts.build().toArray(), hashes.build().toArray());
    }

    /** Makes the shards of a slice of a source, reading it from the piece on in which the slice begins. */
    void makeSlice(Source source, List<Source> pieces, ShardPlan.Slice slice, Path out) {
        var from = new SourceRest(
                source.name(), source.description(), pieces.subList(slice.piece(), pieces.size()), slice.skip());
        var number = new AtomicInteger();
        try (var workers = workers()) {
            new PartPreparation(
                            this,
                            from,
                            out,
                            workers,
                            ShardShelf.HERE,
                            PrepareProgress.SILENT,
                            slice.first(),
                            slice.shards(),
                            _ -> slice.duplicates().get(number.getAndIncrement()))
                    .run();
        } catch (IOException e) {
            throw new FailureException("cannot prepare into %s: %s".formatted(out, e.getMessage()), e);
        }
    }

    /**
     * Ends what other machines made, as {@link #run} does, but without reading the sources again where all shards are
     * there.
     *
     * @param plans of the sources, in order
     */
    Manifest finish(List<Source> sources, List<ShardPlan> plans, Path out, ShardShelf shelf, PrepareProgress progress) {
        if (!Files.exists(out.resolve(Manifest.FILE))) {
            var entries = new ArrayList<Manifest.PartEntry>();
            for (int i = 0; i < sources.size(); i++) {
                entry(sources.get(i), plans.get(i), out, shelf).ifPresent(entries::add);
            }
            if (entries.size() == sources.size() && entries.stream().anyMatch(entry -> entry.documents() > 0)) {
                manifest(entries).write(out);
            }
        }
        return run(sources, out, shelf, progress);
    }

    private static Optional<Manifest.PartEntry> entry(Source source, ShardPlan plan, Path out, ShardShelf shelf) {
        var shards = IntStream.range(0, plan.shards())
                .mapToObj(number -> PartPreparation.shardName(source, number))
                .toList();
        long skipped = 0;
        long made = 0;
        long tokens = 0;
        try {
            for (var shard : shards) {
                var contents = shelf.find(out.resolve(shard));
                if (contents.isEmpty()) {
                    return Optional.empty();
                }
                skipped += contents.get().skipped();
                made += contents.get().documents();
                tokens += contents.get().tokens();
            }
        } catch (IOException e) {
            throw new FailureException("cannot count the shards in %s: %s".formatted(out, e.getMessage()), e);
        }
        return Optional.of(new Manifest.PartEntry(
                source.name(), source.description(), plan.samples(), skipped, made, tokens, shards));
    }

    /** A source from within one of its pieces on; later pieces are opened once they are needed. */
    private record SourceRest(String name, String description, List<Source> rest, int skip) implements Source {
        @Override
        public SampleReader open() {
            var reader = new ChainedReader<>(rest, Source::open);
            for (int i = 0; i < skip; i++) {
                reader.next();
            }
            return reader;
        }
    }

    /** All threads but the one that hands them work and does itself what finds no place in their queue. */
    private ExecutorService workers() {
        int others = Math.max(1, threads - 1);
        return new ThreadPoolExecutor(
                others,
                others,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(PartPreparation.CHUNKS_PER_THREAD * threads),
                Thread.ofPlatform().daemon().name("prepare-", 0).factory(),
                new ThreadPoolExecutor.CallerRunsPolicy());
    }

    private static void createDirectory(Path out) throws IOException {
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new UserException("%s is no directory; name another for the corpus".formatted(out));
        }
        Files.createDirectories(out);
    }

    private static UserException busy(Path out) {
        return new UserException(
                "%s is being prepared by another process; wait for it or choose another directory".formatted(out));
    }

    private static void checkNames(List<Source> sources) {
        var names = new HashSet<String>();
        for (var source : sources) {
            if (!source.name().matches("[A-Za-z0-9_][A-Za-z0-9_.-]*") || !names.add(source.name())) {
                throw new UserException("source name '%s' is taken or holds more than letters, digits, '_', '-' and '.'"
                        .formatted(source.name()));
            }
        }
        if (sources.isEmpty()) {
            throw new UserException("nothing to prepare; name at least one source");
        }
    }

    private Manifest runLocked(List<Source> sources, Path out, ShardShelf shelf, PrepareProgress progress)
            throws IOException {
        agreeWith(plan(sources), out);
        new LocalStore(out).sweep();
        if (Files.exists(out.resolve(Manifest.FILE))) {
            return Manifest.read(out);
        }
        var entries = new ArrayList<Manifest.PartEntry>();
        try (var workers = workers()) {
            for (var source : sources) {
                entries.add(new PartPreparation(this, source, out, workers, shelf, progress).run());
            }
        }
        if (entries.stream().allMatch(entry -> entry.samples() == 0)) {
            throw new UserException("there is no sample in %s; check the paths"
                    .formatted(String.join(
                            ", ", sources.stream().map(Source::description).toList())));
        }
        if (entries.stream().allMatch(entry -> entry.documents() == 0)) {
            throw new UserException("no document came of %s; %s says why each sample was skipped"
                    .formatted(
                            String.join(
                                    ", ",
                                    sources.stream().map(Source::description).toList()),
                            out.resolve(ShardAssembly.SkippedFile.DIRECTORY)));
        }
        var manifest = manifest(entries);
        manifest.write(out);
        return manifest;
    }

    private Manifest plan(List<Source> sources) {
        return manifest(sources.stream()
                .map(source -> new Manifest.PartEntry(source.name(), source.description(), 0, 0, 0, 0, List.of()))
                .toList());
    }

    private static void agreeWith(Manifest plan, Path out) throws IOException {
        var file = out.resolve(PLAN);
        var text = plan.toJson();
        if (!Files.exists(file)) {
            AtomicFiles.writeString(file, text);
        } else if (!Files.readString(file).equals(text)) {
            throw new UserException(
                    "%s holds a corpus of other sources or settings, see %s; choose another directory or delete it"
                            .formatted(out, file));
        }
    }

    private Manifest manifest(List<Manifest.PartEntry> parts) {
        var vocabulary = documents.interleaver().vocabulary();
        return new Manifest(
                Manifest.FORMAT,
                documents.setting().key(),
                documents.interleaver().seed(),
                documents.split().byModality(),
                documents.augmentation().mirrorImages(),
                documents.augmentation().speechSpeeds(),
                samplesPerShard,
                dropDuplicates,
                new Manifest.VocabularySizes(vocabulary.textSize(), vocabulary.imageSize(), vocabulary.speechSize()),
                tokenizers,
                parts);
    }
}
