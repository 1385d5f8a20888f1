package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

import org.apache.commons.compress.archivers.ar.ArArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;

/**
 * Archives of files: tar, plain or packed with gzip (npm's {@code .tgz}), xz or zstd, and Debian packages, an
 * {@code ar} that holds such a tar. Only plain files come out of them, and only below the directory they are unpacked
 * to.
 */
final class Archives {
    private static final List<String> SUFFIXES = List.of(".deb", ".tgz", ".tar", ".tar.gz", ".tar.xz", ".tar.zst");
    private static final long UNPACKED_LIMIT = 256L << 30;

    private Archives() {}

    /** Whether a name is that of an archive. */
    static boolean isArchive(String name) {
        return SUFFIXES.stream().anyMatch(name::endsWith);
    }

    /**
     * Unpacks the plain files of an archive below a directory.
     *
     * @param refused hears of each entry that is no plain file or leads out of the archive, and why
     * @throws FailureException if the archive breaks off or the disk refuses
     */
    static void unpack(Path archive, Path into, BiConsumer<String, String> refused) {
        var last = "its start";
        try (var tar = open(archive)) {
            long unpacked = 0;
            for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                last = entry.getName();
                if (entry.isDirectory()) {
                    continue;
                }
                var why = refusal(entry);
                if (!why.isEmpty()) {
                    refused.accept(entry.getName(), why);
                    continue;
                }
                unpacked += entry.getSize();
                if (unpacked > UNPACKED_LIMIT) {
                    throw new UserException(
                            "%s holds more than the %d bytes allowed; split it".formatted(archive, UNPACKED_LIMIT));
                }
                var file = into.resolve(entry.getName()).normalize();
                Files.createDirectories(file.getParent());
                try (var out = Files.newOutputStream(file)) {
                    if (tar.transferTo(out) != entry.getSize()) {
                        throw new IOException("the archive ends inside " + entry.getName());
                    }
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            var why = e instanceof IOException io ? Bytes.reason(io) : e.getMessage();
            throw new FailureException(
                    "%s cannot be unpacked into %s, after %s: %s; fetch the archive again or free space"
                            .formatted(archive, into, last, why),
                    e);
        }
    }

    /** Why an entry is not to be read; empty where it may be. */
    static String refusal(TarArchiveEntry entry) {
        if (!entry.isFile() || entry.isLink() || entry.isSymbolicLink()) {
            return "no plain file";
        }
        if (entry.isSparse()) {
            return "a sparse file, which a few bytes can make as large as they like";
        }
        var path = entry.getName();
        boolean leadsOut = path.startsWith("/")
                || path.contains("\\")
                || path.indexOf('\0') >= 0
                || List.of(path.split("/")).contains("..");
        return leadsOut ? "its path leads out of the archive" : "";
    }

    private static TarArchiveInputStream open(Path archive) throws IOException {
        var raw = Bytes.ofFile(archive).openRaw();
        try {
            var name = archive.getFileName().toString();
            var stream = name.endsWith(".deb") ? dataOfPackage(archive, raw) : Packing.unpacked(name, raw);
            return new TarArchiveInputStream(stream, StandardCharsets.UTF_8.name());
        } catch (IOException | RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    /** The {@code data.tar} of a Debian package. */
    private static InputStream dataOfPackage(Path archive, InputStream raw) throws IOException {
        var members = new ArArchiveInputStream(raw);
        for (var member = members.getNextEntry(); member != null; member = members.getNextEntry()) {
            if (member.getName().startsWith("data.tar")) {
                return Packing.unpacked(member.getName(), members);
            }
        }
        throw new UserException("%s is no Debian package: it holds no data.tar".formatted(archive));
    }

    /** Removes a directory and all that is in it. */
    static void remove(Path directory) {
        try (Stream<Path> walk = Files.walk(directory)) {
            for (var path : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new FailureException("cannot remove %s: %s".formatted(directory, e.getMessage()), e);
        }
    }
}
