package org.mixtureofmamba.data.source;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.util.zip.GZIPInputStream;

import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.apache.commons.compress.compressors.zstandard.ZstdCompressorInputStream;

/** Unpacks streams that are packed with gzip, xz or zstd, which their names tell. */
final class Packing {
    private static final int BUFFER = 1 << 16;
    private static final int XZ_MEMORY_KIB = 256 << 10;

    private Packing() {}

    /**
     * The content of a stream; the stream itself where its name does not end in {@code gz}, {@code .xz} or
     * {@code .zst}.
     */
    static InputStream unpacked(String name, InputStream packed) throws IOException {
        if (name.endsWith("gz")) {
            return gzip(packed);
        }
        if (name.endsWith(".xz")) {
            return new BufferedInputStream(
                    XZCompressorInputStream.builder()
                            .setInputStream(packed)
                            .setDecompressConcatenated(true)
                            .setMemoryLimitKiB(XZ_MEMORY_KIB)
                            .get(),
                    BUFFER);
        }
        return name.endsWith(".zst") ? zstd(packed) : packed;
    }

    /** Its decoder takes nothing at all for the content of nothing. */
    private static InputStream zstd(InputStream packed) throws IOException {
        var begun = new PushbackInputStream(packed);
        int first = begun.read();
        if (first < 0) {
            throw new EOFException("it is empty, where zstd was expected");
        }
        begun.unread(first);
        return new BufferedInputStream(new ZstdCompressorInputStream(begun), BUFFER);
    }

    /** The content of a stream that is packed with gzip, whatever it is called. */
    static InputStream gzip(InputStream packed) throws IOException {
        return new BufferedInputStream(new GZIPInputStream(packed, BUFFER), BUFFER);
    }
}
