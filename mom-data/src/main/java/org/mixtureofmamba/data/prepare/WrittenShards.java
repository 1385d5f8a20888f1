package org.mixtureofmamba.data.prepare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.shard.TokenShard;

/** Shards that stay where they were written. */
final class WrittenShards implements ShardShelf {
    @Override
    public Optional<Contents> find(Path file) throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (var shard = TokenShard.open(file)) {
            return Optional.of(new Contents(shard.documents(), shard.tokens(), new SkippedFile(file).count()));
        } catch (UserException e) {
            Files.delete(file);
            return Optional.empty();
        }
    }

    @Override
    public void keep(Path shard) {}
}
