package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.ContentHash;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.shard.TokenShard;
import org.mixtureofmamba.data.shard.TokenShardWriter;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;

/**
 * One source to its shards. This thread reads samples and gathers documents in order; workers tokenise chunks of samples between, never
 * more of them than a bound, so that memory does not grow with the source.
 */
final class PartPreparation {
    private static final int SAMPLES_PER_CHUNK = 64;
    private static final long BYTES_PER_CHUNK = 4 << 20;
    private static final int CHUNKS_PER_THREAD = 3;

    private final Preparation preparation;
    private final Source source;
    private final Path out;
    private final ExecutorService workers;
    private final PrepareProgress progress;
    private final Set<ContentHash> seen = new HashSet<>();

    private final List<String> shards = new ArrayList<>();
    private long samples;
    private long skipped;
    private long documents;
    private long tokens;

    PartPreparation(Preparation preparation, Source source, Path out, ExecutorService workers, PrepareProgress progress) {
        this.preparation = preparation;
        this.source = source;
        this.out = out;
        this.workers = workers;
        this.progress = progress;
    }

    Manifest.PartEntry run() throws IOException {
        try (var reader = source.open()) {
            while (reader.hasNext()) {
                var file = out.resolve("%s-%05d.tokens".formatted(source.name(), shards.size()));
                if (isWhole(file)) {
                    passOver(reader);
                } else {
                    make(file, reader);
                }
                shards.add(file.getFileName().toString());
            }
        }
        return new Manifest.PartEntry(source.name(), source.description(), samples, skipped, documents, tokens, shards);
    }

    /** Whether an earlier run finished the shard; one that is damaged is made again. */
    private boolean isWhole(Path file) throws IOException {
        if (!Files.exists(file)) {
            return false;
        }
        try (var shard = TokenShard.open(file)) {
            documents += shard.documents();
            tokens += shard.tokens();
            skipped += new SkippedFile(file).count();
            return true;
        } catch (UserException e) {
            Files.delete(file);
            return false;
        }
    }

    private void passOver(SampleReader reader) {
        for (int i = 0; i < preparation.samplesPerShard() && reader.hasNext(); i++) {
            next(reader);
        }
        progress.at(source.name(), samples, skipped, tokens);
    }

    private void make(Path file, SampleReader reader) throws IOException {
        var shard = new Gathering(new TokenShardWriter(preparation.documents().interleaver().vocabulary()));
        var inWork = new ArrayDeque<Future<Tokenised>>();
        long end = samples + preparation.samplesPerShard();
        while (samples < end && reader.hasNext()) {
            var chunk = nextChunk(reader, end);
            inWork.add(workers.submit(() -> tokenise(chunk)));
            if (inWork.size() >= CHUNKS_PER_THREAD * preparation.threads()) {
                shard.gather(finished(inWork.remove()));
            }
            progress.at(source.name(), samples, skipped + shard.skipped.size(), tokens + shard.writer.tokens());
        }
        while (!inWork.isEmpty()) {
            shard.gather(finished(inWork.remove()));
        }
        documents += shard.writer.documents();
        tokens += shard.writer.tokens();
        skipped += shard.skipped.size();
        new SkippedFile(file).write(shard.skipped);
        shard.writer.write(file);
        progress.at(source.name(), samples, skipped, tokens);
    }

    private List<Sample> nextChunk(SampleReader reader, long end) {
        var chunk = new ArrayList<Sample>();
        long bytes = 0;
        while (samples < end && chunk.size() < SAMPLES_PER_CHUNK && bytes < BYTES_PER_CHUNK && reader.hasNext()) {
            var sample = next(reader);
            bytes += bytesOf(sample);
            chunk.add(sample);
        }
        return chunk;
    }

    private Sample next(SampleReader reader) {
        var sample = reader.next();
        samples++;
        boolean duplicate = preparation.dropDuplicates()
                && !(sample instanceof Sample.Rejected)
                && !seen.add(sample.contentHash());
        return duplicate ? new Sample.Rejected(sample.id(), "its content equals an earlier sample's") : sample;
    }

    private static long bytesOf(Sample sample) {
        return switch (sample) {
            case Sample.Text s -> s.text().length();
            case Sample.CaptionedImage s -> s.image().length + s.caption().length();
            case Sample.TranscribedSpeech s -> s.audio().length + s.transcript().length();
            case Sample.Rejected _ -> 0;
        };
    }

    private record TokenisedDocument(String id, boolean heldOut, int[] tokens) {}

    private record Tokenised(List<TokenisedDocument> documents, List<Sample.Rejected> skipped) {}

    private Tokenised tokenise(List<Sample> chunk) {
        DocumentTokenizer tokenizer = preparation.documents();
        var made = new ArrayList<TokenisedDocument>();
        var rejected = new ArrayList<Sample.Rejected>();
        for (var sample : chunk) {
            try {
                for (var document : tokenizer.documents(sample)) {
                    made.add(new TokenisedDocument(
                            document.id(), document.heldOut(), tokenizer.interleaver().tokens(document)));
                }
            } catch (UserException e) {
                rejected.add(new Sample.Rejected(sample.id(), e.getMessage()));
            }
        }
        return new Tokenised(made, rejected);
    }

    private static Tokenised finished(Future<Tokenised> chunk) {
        try {
            return chunk.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof MomException known) {
                throw known;
            }
            throw new IllegalStateException("tokenising failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException("interrupted; run the same command again to go on", e);
        }
    }

    /** A shard as its documents come in. */
    private record Gathering(TokenShardWriter writer, List<Sample.Rejected> skipped) {
        Gathering(TokenShardWriter writer) {
            this(writer, new ArrayList<>());
        }

        void gather(Tokenised chunk) {
            chunk.documents().forEach(d -> writer.add(d.id(), d.heldOut(), d.tokens()));
            skipped.addAll(chunk.skipped());
        }
    }
}
