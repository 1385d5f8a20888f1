package org.mixtureofmamba.data.shard;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.Vocabulary;

/**
 * Gathers the documents of one shard in memory, then writes the file whole. The bytes depend on the documents alone.
 */
public final class TokenShardWriter {
    /** A longer one is written as several. */
    private static final int LONGEST_RUN = (1 << Integer.SIZE - ShardFormat.RUN_BITS) - 1;

    private final Vocabulary vocabulary;
    private final int tokenBytes;
    private final LittleEndian documents = new LittleEndian();
    private final LittleEndian tokens = new LittleEndian();
    private final LittleEndian runs = new LittleEndian();
    private final LittleEndian splits = new LittleEndian();
    private final LittleEndian idStarts = new LittleEndian();
    private final LittleEndian ids = new LittleEndian();
    private final LittleEndian latents = new LittleEndian();
    private long imageTokens;
    private int latentWidth;
    private long tokenCount;
    private long documentCount;

    public TokenShardWriter(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        this.tokenBytes = vocabulary.size() <= 1 << 16 ? Short.BYTES : Integer.BYTES;
        begin();
    }

    private void begin() {
        documents.u64(0);
        idStarts.u32(0);
    }

    /** Forgets all documents and keeps the memory for the next shard. */
    public void clear() {
        for (var section : List.of(documents, tokens, runs, splits, idStarts, ids, latents)) {
            section.clear();
        }
        imageTokens = 0;
        latentWidth = 0;
        tokenCount = 0;
        documentCount = 0;
        begin();
    }

    /**
     * Adds a document.
     *
     * @param id of the document
     * @param document ids of the unified vocabulary, control tokens and all
     */
    public void add(String id, boolean heldOut, int[] document) {
        add(id, heldOut, document, new float[0]);
    }

    /**
     * Adds a document with latents.
     *
     * @param document ids of the unified vocabulary, control tokens and all
     * @param vectors [image tokens of the document, C], with one C for the whole shard; or empty in all documents
     */
    public void add(String id, boolean heldOut, int[] document, float[] vectors) {
        if (tokenBytes == Short.BYTES) {
            tokens.allU16(document);
        } else {
            tokens.allU32(document);
        }
        int images = 0;
        for (int i = 0; i < document.length; ) {
            var modality = vocabulary.modalityOf(document[i]);
            int runEnd = runEnd(document, i, modality);
            if (runEnd == i) {
                throw new IllegalArgumentException(
                        "id %d of %s is outside the vocabulary of %d".formatted(document[i], id, vocabulary.size()));
            }
            runs.u32((runEnd - i << ShardFormat.RUN_BITS) + modality.index());
            images += modality == Modality.IMAGE ? runEnd - i : 0;
            i = runEnd;
        }
        addLatents(id, images, vectors);
        tokenCount += document.length;
        documentCount++;
        documents.u64(tokenCount);
        splits.u8(heldOut ? 1 : 0);
        ids.all(id.getBytes(StandardCharsets.UTF_8));
        idStarts.u32(ids.size());
    }

    /** Where the run of ids of one modality ends; at its start where the id there is none of the vocabulary. */
    private int runEnd(int[] document, int start, Modality modality) {
        int least = vocabulary.start(modality);
        int beyond = vocabulary.end(modality);
        int end = start;
        int most = start + Math.min(document.length - start, LONGEST_RUN);
        while (end < most && document[end] >= least && document[end] < beyond) {
            end++;
        }
        return end;
    }

    private void addLatents(String id, int images, float[] vectors) {
        if (images == 0 && vectors.length == 0) {
            return;
        }
        int width = images == 0 ? 0 : vectors.length / images;
        if (images == 0 || vectors.length != width * images || imageTokens > 0 && width != latentWidth) {
            throw new IllegalArgumentException("%d numbers are no latents of the %d image tokens of %s, with %d each"
                    .formatted(vectors.length, images, id, latentWidth));
        }
        latentWidth = width;
        imageTokens += images;
        for (float value : vectors) {
            latents.u32(Float.floatToRawIntBits(value));
        }
    }

    /** Documents so far. */
    public long documents() {
        return documentCount;
    }

    /** Tokens so far. */
    public long tokens() {
        return tokenCount;
    }

    /**
     * Writes the shard.
     *
     * @throws org.mixtureofmamba.core.FailureException if the disk refuses
     */
    public void write(Path file) {
        record Written(Section section, LittleEndian bytes) {}
        var sections = new ArrayList<>(List.of(
                new Written(Section.DOCUMENTS, documents),
                new Written(Section.TOKENS, tokens),
                new Written(Section.RUNS, runs),
                new Written(Section.SPLITS, splits),
                new Written(Section.ID_STARTS, idStarts),
                new Written(Section.IDS, ids)));
        if (latentWidth > 0) {
            sections.add(new Written(Section.LATENTS, latents));
        }
        int tableEnd = ShardFormat.HEADER + sections.size() * ShardFormat.ENTRY;
        var header = ByteBuffer.allocate((int) ShardFormat.aligned(tableEnd)).order(ByteOrder.LITTLE_ENDIAN);
        long offset = header.capacity();
        for (int i = 0; i < sections.size(); i++) {
            var bytes = sections.get(i).bytes();
            int length = bytes.size();
            bytes.all(new byte[(int) (ShardFormat.aligned(length) - length)]);
            int entry = ShardFormat.HEADER + i * ShardFormat.ENTRY;
            header.putInt(entry, sections.get(i).section().number());
            header.putInt(entry + ShardFormat.ENTRY_CRC, bytes.crc());
            header.putLong(entry + ShardFormat.ENTRY_OFFSET, offset);
            header.putLong(entry + ShardFormat.ENTRY_LENGTH, length);
            offset += bytes.size();
        }
        header.putLong(0, ShardFormat.MAGIC);
        header.putInt(ShardFormat.AT_VERSION, ShardFormat.VERSION);
        header.putInt(ShardFormat.AT_SECTIONS, sections.size());
        header.putInt(ShardFormat.AT_TOKEN_BYTES, tokenBytes);
        header.putInt(ShardFormat.AT_VOCABULARY, vocabulary.size());
        header.putLong(ShardFormat.AT_DOCUMENTS, documentCount);
        header.putLong(ShardFormat.AT_TOKENS, tokenCount);
        header.putLong(ShardFormat.AT_FILE_LENGTH, offset);
        header.putInt(ShardFormat.AT_CRC, crc(header.array(), header.capacity()));
        AtomicFiles.write(file, out -> {
            out.write(header.array());
            for (var section : sections) {
                section.bytes().writeTo(out);
            }
        });
    }

    private static int crc(byte[] bytes, int length) {
        var crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /** Bytes that grow; without the lock that a stream takes for each. */
    private static final class LittleEndian {
        private static final VarHandle U16 =
                MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
        private static final VarHandle U32 = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

        private byte[] bytes = new byte[1 << 10];
        private int size;

        private void reserve(int more) {
            if (bytes.length - size < more) {
                bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(size, more), (int)
                        Math.min(2L * bytes.length, Integer.MAX_VALUE - 16)));
            }
        }

        void u8(int value) {
            reserve(1);
            bytes[size++] = (byte) value;
        }

        void u32(int value) {
            reserve(Integer.BYTES);
            U32.set(bytes, size, value);
            size += Integer.BYTES;
        }

        void allU16(int[] values) {
            reserve(Math.multiplyExact(Short.BYTES, values.length));
            for (int i = 0; i < values.length; i++) {
                U16.set(bytes, size + i * Short.BYTES, (short) values[i]);
            }
            size += values.length * Short.BYTES;
        }

        void allU32(int[] values) {
            reserve(Math.multiplyExact(Integer.BYTES, values.length));
            for (int i = 0; i < values.length; i++) {
                U32.set(bytes, size + i * Integer.BYTES, values[i]);
            }
            size += values.length * Integer.BYTES;
        }

        void u64(long value) {
            u32((int) value);
            u32((int) (value >>> 32));
        }

        void all(byte[] more) {
            reserve(more.length);
            System.arraycopy(more, 0, bytes, size, more.length);
            size += more.length;
        }

        int size() {
            return size;
        }

        void clear() {
            size = 0;
        }

        int crc() {
            return TokenShardWriter.crc(bytes, size);
        }

        void writeTo(OutputStream out) throws IOException {
            out.write(bytes, 0, size);
        }
    }
}
