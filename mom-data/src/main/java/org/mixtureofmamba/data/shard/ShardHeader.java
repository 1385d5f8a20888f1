package org.mixtureofmamba.data.shard;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** What a shard says of itself in its first bytes, read without the rest. */
public record ShardHeader(long documents, long tokens) {
    /** Reads it from a shard's start; nothing where the bytes begin no shard of that length. */
    public static Optional<ShardHeader> read(InputStream in, long length) throws IOException {
        var bytes = in.readNBytes(ShardFormat.HEADER);
        var header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        boolean known = bytes.length == ShardFormat.HEADER
                && header.getLong(0) == ShardFormat.MAGIC
                && header.getInt(ShardFormat.AT_VERSION) >= ShardFormat.OLDEST_VERSION
                && header.getInt(ShardFormat.AT_VERSION) <= ShardFormat.VERSION
                && header.getLong(ShardFormat.AT_FILE_LENGTH) == length;
        return known
                ? Optional.of(new ShardHeader(
                        header.getLong(ShardFormat.AT_DOCUMENTS), header.getLong(ShardFormat.AT_TOKENS)))
                : Optional.empty();
    }
}
