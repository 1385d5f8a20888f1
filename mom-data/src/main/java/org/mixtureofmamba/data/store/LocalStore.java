package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;

/**
 * Files below a directory. Links are not followed, and files whose names begin with a dot, which are locks and files
 * being written, are not seen.
 *
 * @param root need not exist before something is written
 */
public record LocalStore(Path root) implements ObjectStore {
    @Override
    public List<Entry> list(String prefix) {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        var entries = new ArrayList<Entry>();
        try (var walk = Files.walk(root)) {
            for (var file : walk.filter(f -> Files.isRegularFile(f, LinkOption.NOFOLLOW_LINKS))
                    .toList()) {
                var key = root.relativize(file).toString().replace('\\', '/');
                if (key.startsWith(prefix) && !file.getFileName().toString().startsWith(".")) {
                    entries.add(new Entry(key, Files.size(file)));
                }
            }
        } catch (UncheckedIOException e) {
            throw failure("list", root, e.getCause());
        } catch (IOException e) {
            throw failure("list", root, e);
        }
        entries.sort(Comparator.comparing(Entry::key));
        return entries;
    }

    @Override
    public Optional<Entry> find(String key) {
        var file = file(key);
        try {
            return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                    ? Optional.of(new Entry(key, Files.size(file)))
                    : Optional.empty();
        } catch (IOException e) {
            throw failure("read", file, e);
        }
    }

    @Override
    public InputStream read(String key, long from) {
        var file = file(key);
        try {
            var channel = Files.newByteChannel(file);
            channel.position(from);
            return Channels.newInputStream(channel);
        } catch (NoSuchFileException e) {
            throw new UserException("cannot read %s: no such file; check the path".formatted(file), e);
        } catch (IOException e) {
            throw failure("read", file, e);
        }
    }

    @Override
    public String sha256(String key) {
        var digest = Keys.sha256();
        try (var in = new DigestInputStream(read(key, 0), digest)) {
            in.transferTo(java.io.OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw failure("read", file(key), e);
        }
    }

    @Override
    public void write(String key, AtomicFiles.Content content) {
        AtomicFiles.write(file(key), content);
    }

    @Override
    public void delete(String key) {
        try {
            Files.deleteIfExists(file(key));
        } catch (IOException e) {
            throw failure("delete", file(key), e);
        }
    }

    /** {@inheritDoc} See {@link AtomicFiles} for what a killed process leaves. */
    @Override
    public void sweep() {
        if (!Files.isDirectory(root)) {
            return;
        }
        try (var files = Files.walk(root)) {
            for (var file : files.filter(f -> f.getFileName().toString().matches("\\..*\\.part-\\d+-\\d+"))
                    .toList()) {
                Files.delete(file);
            }
        } catch (UncheckedIOException e) {
            throw failure("sweep", root, e.getCause());
        } catch (IOException e) {
            throw failure("sweep", root, e);
        }
    }

    @Override
    public String place(String key) {
        return file(key).toString();
    }

    @Override
    public void close() {}

    private Path file(String key) {
        return root.resolve(Keys.checked(key));
    }

    private static FailureException failure(String what, Path file, IOException e) {
        return new FailureException(
                "cannot %s %s: %s; check the disk and its permissions".formatted(what, file, e.getMessage()), e);
    }
}
