package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.DocumentBatch;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.shard.TokenShardWriter;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.tokenizers.Vocabulary;
import tools.jackson.databind.json.JsonMapper;

/** A shard as its documents come in; once it is written, the next one in the same memory. */
final class ShardAssembly {
    private final TokenShardWriter writer;
    private final List<Sample.Rejected> skipped = new ArrayList<>();

    ShardAssembly(Vocabulary vocabulary) {
        this.writer = new TokenShardWriter(vocabulary);
    }

    void gather(Tokenised samples) {
        samples.documents()
                .forEach(document ->
                        writer.add(document.id(), document.heldOut(), document.tokens(), document.latents()));
        skipped.addAll(samples.skipped());
    }

    /** Writes what was skipped, then the shard: where there is a shard, the other is there. */
    void write(Path file) throws IOException {
        new SkippedFile(file).write(skipped);
        writer.write(file);
        skipped.clear();
        writer.clear();
    }

    /**
     * What came of some samples, in their order.
     *
     * @param documents as they go into a shard
     * @param skipped samples that gave none, and why
     */
    record Tokenised(List<Made> documents, List<Sample.Rejected> skipped) {
        /**
         * A document as it goes into a shard.
         *
         * @param tokens ids of the unified vocabulary, control tokens and all
         * @param latents of its images, where they are not discrete, one after another
         */
        record Made(String id, boolean heldOut, int[] tokens, float[] latents) {}

        /** Makes the documents of some samples; a pure function of them. */
        static Tokenised of(List<Sample> samples, DocumentTokenizer tokenizer) {
            var batch = new DocumentBatch(tokenizer);
            var rejected = new ArrayList<Sample.Rejected>();
            for (var sample : samples) {
                try {
                    batch.add(sample);
                } catch (UserException e) {
                    rejected.add(new Sample.Rejected(sample.id(), e.getMessage()));
                }
            }
            var made = batch.finish().stream()
                    .map(document -> new Made(
                            document.id(),
                            document.heldOut(),
                            tokenizer.interleaver().tokens(document),
                            document.latents()))
                    .toList();
            return new Tokenised(made, rejected);
        }
    }

    /** Why samples of one shard gave no document: {@code skipped/SHARD.jsonl}, a line each; no file where all did. */
    static final class SkippedFile {
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
            skipped.forEach(
                    sample -> lines.append(JSON.writeValueAsString(sample)).append('\n'));
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
}
