package org.mixtureofmamba.core;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files that appear whole or not at all: written beside their final name, flushed to disk, then renamed. */
public final class AtomicFiles {
    private AtomicFiles() {}

    /** What fills the file. */
    @FunctionalInterface
    public interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * Writes {@code content} under {@code target}; on any failure the former file, if there was one, is untouched.
     *
     * @throws FailureException if the disk refuses, naming the file
     */
    public static void write(Path target, Content content) {
        Path absolute = target.toAbsolutePath();
        Path beside = absolute.resolveSibling(".%s.part-%d-%d"
                .formatted(
                        absolute.getFileName(),
                        ProcessHandle.current().pid(),
                        Thread.currentThread().threadId()));
        try {
            Files.createDirectories(absolute.getParent());
            try {
                try (var out = Files.newOutputStream(beside)) {
                    content.writeTo(out);
                }
                try (var channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
                Files.move(beside, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(beside);
            }
        } catch (IOException e) {
            throw new FailureException(
                    "cannot write %s: %s; free space or choose another place".formatted(target, e.getMessage()), e);
        }
    }

    /** Writes text as UTF-8; see {@link #write(Path, Content)}. */
    public static void writeString(Path target, String text) {
        write(target, out -> out.write(text.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    }
}
