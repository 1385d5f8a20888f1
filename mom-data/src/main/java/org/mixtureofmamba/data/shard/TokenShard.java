package org.mixtureofmamba.data.shard;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.zip.CRC32C;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;

/**
 * A token shard, memory-mapped. Opening it checks every byte against its checksums and every index against its bounds,
 * so that reading needs no checks. Safe for use by many threads until closed.
 */
public final class TokenShard implements AutoCloseable {
    private static final int CRC_CHUNK = 1 << 20;

    private final Path file;
    private final Arena arena = Arena.ofShared();
    private final Map<Section, MemorySegment> sections = new EnumMap<>(Section.class);
    private final int checksum;
    private final int tokenBytes;
    private final int runBits;
    private final int vocabularySize;
    private final int documents;
    private final long tokens;
    private final long[][] modalityTokens = new long[2][Modality.count()];
    /** [documents + 1]: image tokens before each document; empty where there are no latents. */
    private final long[] imageTokensBefore;

    private final int latentWidth;

    private TokenShard(Path file) throws IOException {
        this.file = file;
        try (var channel = FileChannel.open(file)) {
            long size = channel.size();
            check(size >= ShardFormat.HEADER, "its %d bytes are less than a header".formatted(size));
            var whole = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            check(whole.get(ShardFormat.U64, 0) == ShardFormat.MAGIC, "it does not start with MOMSHARD");
            int version = whole.get(ShardFormat.U32, ShardFormat.AT_VERSION);
            check(
                    version >= ShardFormat.OLDEST_VERSION && version <= ShardFormat.VERSION,
                    "its format is version %d, this program reads %d to %d"
                            .formatted(version, ShardFormat.OLDEST_VERSION, ShardFormat.VERSION));
            this.runBits = ShardFormat.runBits(version);
            int count = whole.get(ShardFormat.U32, ShardFormat.AT_SECTIONS);
            long bodies = ShardFormat.aligned(ShardFormat.HEADER + (long) count * ShardFormat.ENTRY);
            check(
                    count > 0 && count <= ShardFormat.MAX_SECTIONS && bodies <= size,
                    "its header counts %d sections".formatted(count));
            checkHeader(whole.asSlice(0, bodies));
            check(
                    whole.get(ShardFormat.U64, ShardFormat.AT_FILE_LENGTH) == size,
                    "it is cut short: %d of %d bytes"
                            .formatted(size, whole.get(ShardFormat.U64, ShardFormat.AT_FILE_LENGTH)));
            this.checksum = whole.get(ShardFormat.U32, ShardFormat.AT_CRC);
            this.tokenBytes = whole.get(ShardFormat.U32, ShardFormat.AT_TOKEN_BYTES);
            this.vocabularySize = whole.get(ShardFormat.U32, ShardFormat.AT_VOCABULARY);
            this.documents = (int) whole.get(ShardFormat.U64, ShardFormat.AT_DOCUMENTS);
            this.tokens = whole.get(ShardFormat.U64, ShardFormat.AT_TOKENS);
            mapSections(whole, count, bodies);
            checkIndex();
            checkIds();
            this.imageTokensBefore = new long[sections.containsKey(Section.LATENTS) ? documents + 1 : 0];
            countModalities();
            this.latentWidth = latentWidthOfSection();
        }
    }

    private int latentWidthOfSection() {
        if (imageTokensBefore.length == 0) {
            return 0;
        }
        for (int d = 0; d < documents; d++) {
            imageTokensBefore[d + 1] += imageTokensBefore[d];
        }
        long images = imageTokensBefore[documents];
        long numbers = sections.get(Section.LATENTS).byteSize() / Float.BYTES;
        check(
                images > 0
                        && numbers / images * images * Float.BYTES
                                == sections.get(Section.LATENTS).byteSize(),
                "its latents do not fit its %d image tokens".formatted(images));
        return Math.toIntExact(numbers / images);
    }

    /**
     * Maps and verifies a shard.
     *
     * @throws UserException if it cannot be read or any byte of it is not as it was written, naming the file and the
     *     fault
     */
    public static TokenShard open(Path file) {
        try {
            return new TokenShard(file);
        } catch (IOException e) {
            throw new UserException(
                    "cannot read shard %s: %s; prepare the corpus again".formatted(file, e.getMessage()), e);
        }
    }

    private void checkHeader(MemorySegment header) {
        var bytes = header.toArray(ValueLayout.JAVA_BYTE);
        var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int expected = buffer.getInt(ShardFormat.AT_CRC);
        buffer.putInt(ShardFormat.AT_CRC, 0);
        var crc = new CRC32C();
        crc.update(bytes);
        check((int) crc.getValue() == expected, "its header does not match its checksum");
    }

    /** Sections follow one another without gaps, so that their checksums cover every byte of the file. */
    private void mapSections(MemorySegment whole, int count, long bodies) {
        long next = bodies;
        for (int i = 0; i < count; i++) {
            long entry = ShardFormat.HEADER + (long) i * ShardFormat.ENTRY;
            int number = whole.get(ShardFormat.U32, entry);
            long offset = whole.get(ShardFormat.U64, entry + ShardFormat.ENTRY_OFFSET);
            long length = whole.get(ShardFormat.U64, entry + ShardFormat.ENTRY_LENGTH);
            check(
                    offset == next && length >= 0 && length <= whole.byteSize() - offset,
                    "its section %d does not lie within the file".formatted(number));
            next = ShardFormat.aligned(offset + length);
            check(next <= whole.byteSize(), "its section %d does not lie within the file".formatted(number));
            check(
                    crc(whole.asSlice(offset, next - offset))
                            == whole.get(ShardFormat.U32, entry + ShardFormat.ENTRY_CRC),
                    "its section %d, bytes %d to %d, does not match its checksum".formatted(number, offset, next));
            Section.of(number).ifPresent(section -> sections.put(section, whole.asSlice(offset, length)));
        }
        check(next == whole.byteSize(), "bytes follow its last section");
    }

    private static int crc(MemorySegment bytes) {
        var crc = new CRC32C();
        for (long at = 0; at < bytes.byteSize(); at += CRC_CHUNK) {
            crc.update(bytes.asSlice(at, Math.min(CRC_CHUNK, bytes.byteSize() - at))
                    .asByteBuffer());
        }
        return (int) crc.getValue();
    }

    private void checkIndex() {
        check(
                tokenBytes == Short.BYTES || tokenBytes == Integer.BYTES,
                "its tokens have %d bytes".formatted(tokenBytes));
        checkSize(Section.DOCUMENTS, (documents + 1L) * Long.BYTES);
        checkSize(Section.TOKENS, tokens * tokenBytes);
        checkSize(Section.SPLITS, documents);
        checkSize(Section.ID_STARTS, (documents + 1L) * Integer.BYTES);
        check(sections.containsKey(Section.RUNS) && sections.containsKey(Section.IDS), "it lacks a section");
        check(
                start(0) == 0
                        && start(documents) == tokens
                        && idStart(0) == 0
                        && idStart(documents) == sections.get(Section.IDS).byteSize(),
                "its index does not span it");
        for (int d = 0; d < documents; d++) {
            check(
                    start(d) <= start(d + 1)
                            && start(d + 1) - start(d) <= Integer.MAX_VALUE
                            && idStart(d) <= idStart(d + 1),
                    "its index is out of order at document %d".formatted(d));
        }
    }

    /** Ids select rows of the embedding; one beyond it would select other weights. */
    private void checkIds() {
        var ids = sections.get(Section.TOKENS);
        if (tokenBytes == Short.BYTES && vocabularySize > Character.MAX_VALUE) {
            return;
        }
        int most = -1;
        boolean negative = false;
        if (tokenBytes == Short.BYTES) {
            for (long i = 0; i < tokens; i++) {
                most = Math.max(most, Short.toUnsignedInt(ids.getAtIndex(ShardFormat.U16, i)));
            }
        } else {
            for (long i = 0; i < tokens; i++) {
                int id = ids.getAtIndex(ShardFormat.U32, i);
                negative |= id < 0;
                most = Math.max(most, id);
            }
        }
        check(
                !negative && most < vocabularySize,
                "it holds an id beyond its vocabulary of %d".formatted(vocabularySize));
    }

    private void checkSize(Section section, long size) {
        check(
                size >= 0
                        && sections.containsKey(section)
                        && sections.get(section).byteSize() == size,
                "its section %d is missing or of another size than its header says".formatted(section.number()));
    }

    private void countModalities() {
        var runs = sections.get(Section.RUNS);
        check(runs.byteSize() % Integer.BYTES == 0, "its modality runs end inside a number");
        int modalities = (1 << runBits) - 1;
        int document = 0;
        long at = 0;
        for (long i = 0; i < runs.byteSize(); i += Integer.BYTES) {
            int run = runs.get(ShardFormat.U32, i);
            int length = run >>> runBits;
            int modality = run & modalities;
            while (document < documents && start(document + 1) <= at) {
                document++;
            }
            check(
                    document < documents
                            && length > 0
                            && modality < Modality.count()
                            && at + length <= start(document + 1),
                    "its modality runs do not fit its documents at token %d".formatted(at));
            modalityTokens[heldOut(document) ? 1 : 0][modality] += length;
            if (imageTokensBefore.length > 0 && modality == Modality.IMAGE.index()) {
                imageTokensBefore[document + 1] += length;
            }
            at += length;
        }
        check(at == tokens, "its modality runs end at token %d of %d".formatted(at, tokens));
    }

    private void check(boolean holds, String fault) {
        if (!holds) {
            arena.close();
            throw new UserException(
                    "shard %s is damaged: %s; prepare the corpus again or skip the shard".formatted(file, fault));
        }
    }

    /** A checksum of the header, which holds the checksums of all else: shards that differ differ in it. */
    public int checksum() {
        return checksum;
    }

    public Path file() {
        return file;
    }

    /** V of the vocabulary its ids belong to. */
    public int vocabularySize() {
        return vocabularySize;
    }

    public int documents() {
        return documents;
    }

    public long tokens() {
        return tokens;
    }

    /** Tokens of one modality in the training or the held-out documents. */
    public long tokens(boolean heldOut, Modality modality) {
        return modalityTokens[heldOut ? 1 : 0][modality.index()];
    }

    public boolean heldOut(int document) {
        return sections.get(Section.SPLITS).get(ValueLayout.JAVA_BYTE, document) != 0;
    }

    /** The id of a document. */
    public String id(int document) {
        var bytes = sections.get(Section.IDS).asSlice(idStart(document), idStart(document + 1) - idStart(document));
        return new String(bytes.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    /** Number of tokens of a document. */
    public int length(int document) {
        return (int) (start(document + 1) - start(document));
    }

    /** One id. */
    public int token(int document, int position) {
        long at = start(document) + position;
        var ids = sections.get(Section.TOKENS);
        return tokenBytes == Short.BYTES
                ? Short.toUnsignedInt(ids.getAtIndex(ShardFormat.U16, at))
                : ids.getAtIndex(ShardFormat.U32, at);
    }

    /** Copies ids {@code from .. from + count} of a document to {@code target[at ..]}. */
    public void copy(int document, int from, int count, int[] target, int at) {
        long first = start(document) + from;
        var ids = sections.get(Section.TOKENS);
        if (tokenBytes == Integer.BYTES) {
            MemorySegment.copy(ids, ShardFormat.U32, first * Integer.BYTES, target, at, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            target[at + i] = Short.toUnsignedInt(ids.getAtIndex(ShardFormat.U16, first + i));
        }
    }

    /** C, numbers of a latent; 0 where images are discrete. */
    public int latentWidth() {
        return latentWidth;
    }

    /**
     * The latents [count, C] of image tokens {@code from .. from + count} of a document, counted among its image
     * tokens, to {@code target[at ..]}.
     */
    public void copyLatents(int document, int from, int count, float[] target, int at) {
        long first = (imageTokensBefore[document] + from) * latentWidth;
        MemorySegment.copy(
                sections.get(Section.LATENTS), ShardFormat.F32, first * Float.BYTES, target, at, count * latentWidth);
    }

    /** All latents of a document, [image tokens, C]. */
    public float[] latents(int document) {
        int images =
                latentWidth == 0 ? 0 : Math.toIntExact(imageTokensBefore[document + 1] - imageTokensBefore[document]);
        var latents = new float[images * latentWidth];
        if (images > 0) {
            copyLatents(document, 0, images, latents, 0);
        }
        return latents;
    }

    /** All ids of a document. */
    public int[] tokens(int document) {
        var ids = new int[length(document)];
        copy(document, 0, ids.length, ids, 0);
        return ids;
    }

    private long start(int document) {
        return sections.get(Section.DOCUMENTS).getAtIndex(ShardFormat.U64, document);
    }

    private long idStart(int document) {
        return Integer.toUnsignedLong(sections.get(Section.ID_STARTS).getAtIndex(ShardFormat.U32, document));
    }

    @Override
    public void close() {
        arena.close();
    }
}
