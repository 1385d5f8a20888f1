package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.data.shard.TokenShardWriter;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.tokenizers.Vocabulary;

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
}
