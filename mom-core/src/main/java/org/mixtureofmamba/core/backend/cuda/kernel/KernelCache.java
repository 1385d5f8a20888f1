package org.mixtureofmamba.core.backend.cuda.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;

/**
 * Compiled kernels on disk, so that only the first run on a kind of card compiles. An entry's name is the digest of
 * everything that its content depends on: source, headers, options (which hold the architecture) and compiler version;
 * its content begins with its own digest. Entries appear whole, any number of processes may write at once, and one that
 * is damaged is compiled anew.
 */
public final class KernelCache {
    /** Names the folder in place of the usual one. */
    public static final String FOLDER_VARIABLE = "MOM_KERNEL_CACHE";

    private static final int DIGEST_BYTES = 32;

    private final Path folder;
    private final KernelCompiler compiler;

    public KernelCache(Path folder, KernelCompiler compiler) {
        this.folder = folder;
        this.compiler = compiler;
    }

    /** {@code MOM_KERNEL_CACHE}, or {@code mixture-of-mamba/kernels} in the user's cache. */
    public static Path usualFolder(Map<String, String> environment) {
        var named = environment.get(FOLDER_VARIABLE);
        if (named != null && !named.isBlank()) {
            return Path.of(named);
        }
        var cache = environment.get("XDG_CACHE_HOME");
        var base =
                cache != null && !cache.isBlank() ? Path.of(cache) : Path.of(System.getProperty("user.home"), ".cache");
        return base.resolve("mixture-of-mamba").resolve("kernels");
    }

    /** The machine code of a source, from disk or from the compiler. */
    public byte[] machineCode(KernelSource source, List<String> options) {
        var file = folder.resolve(source.stem() + "-" + key(source, options) + ".cubin");
        return read(file).orElseGet(() -> {
            var code = compiler.compile(source.name(), source.text(), source.headers(), options);
            write(file, code);
            return code;
        });
    }

    private String key(KernelSource source, List<String> options) {
        var digest = sha256();
        var parts = new java.util.ArrayList<>(List.of(compiler.version(), source.name(), source.text()));
        source.headers().forEach((name, text) -> {
            parts.add(name);
            parts.add(text);
        });
        parts.addAll(options);
        for (var part : parts) {
            digest.update(part.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
        }
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }

    private static Optional<byte[]> read(Path file) {
        try {
            var entry = Files.readAllBytes(file);
            if (entry.length > DIGEST_BYTES) {
                var code = Arrays.copyOfRange(entry, DIGEST_BYTES, entry.length);
                if (Arrays.equals(sha256().digest(code), 0, DIGEST_BYTES, entry, 0, DIGEST_BYTES)) {
                    return Optional.of(code);
                }
            }
            log(
                    System.Logger.Level.WARNING,
                    "the kernel cache's entry %s is damaged; compiling it anew".formatted(file));
        } catch (NoSuchFileException e) {
            // the first use of this kernel
        } catch (IOException e) {
            log(
                    System.Logger.Level.WARNING,
                    "cannot read the kernel cache's entry %s (%s); compiling it anew".formatted(file, e));
        }
        return Optional.empty();
    }

    private static void write(Path file, byte[] code) {
        try {
            AtomicFiles.write(file, out -> {
                out.write(sha256().digest(code));
                out.write(code);
            });
        } catch (FailureException e) {
            log(System.Logger.Level.WARNING, "kernels are compiled at every start: " + e.getMessage());
        }
    }

    private static void log(System.Logger.Level level, String message) {
        System.getLogger(KernelCache.class.getName()).log(level, message);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java runtime has SHA-256", e);
        }
    }
}
