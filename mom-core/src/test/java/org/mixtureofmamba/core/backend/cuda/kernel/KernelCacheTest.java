package org.mixtureofmamba.core.backend.cuda.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.FailureException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class KernelCacheTest {
    private static final List<String> OPTIONS = List.of("--gpu-architecture=sm_90a");
    private static final KernelSource SOURCE = new KernelSource("a.cu", "kernel", Map.of("common.cuh", "header"));

    @TempDir
    private Path folder;

    private final CountingCompiler compiler = new CountingCompiler("1.0");

    /** Returns the source as machine code, and counts. */
    private static final class CountingCompiler implements KernelCompiler {
        private final String version;
        private final AtomicInteger compiled = new AtomicInteger();

        CountingCompiler(String version) {
            this.version = version;
        }

        @Override
        public String version() {
            return version;
        }

        @Override
        public byte[] compile(String name, String source, Map<String, String> headers, List<String> options) {
            compiled.incrementAndGet();
            if (source.isEmpty()) {
                throw new FailureException("does not compile");
            }
            return (version + source + headers + options).getBytes(StandardCharsets.UTF_8);
        }
    }

    private byte[] compileAnew() {
        return compiler.compile(SOURCE.name(), SOURCE.text(), SOURCE.headers(), OPTIONS);
    }

    private Path entry() throws IOException {
        try (var entries = Files.list(folder)) {
            return entries.findFirst().orElseThrow();
        }
    }

    @Test
    void compilesOnceForAllLaterRuns() {
        var first = new KernelCache(folder, compiler).machineCode(SOURCE, OPTIONS);
        var second = new KernelCache(folder, compiler).machineCode(SOURCE, OPTIONS);
        assertThat(compiler.compiled).hasValue(1);
        assertThat(first).isEqualTo(second).isEqualTo(compileAnew());
    }

    @Test
    void compilesAnewForWhateverTheCodeDependsOn() {
        var cache = new KernelCache(folder, compiler);
        cache.machineCode(SOURCE, OPTIONS);
        cache.machineCode(new KernelSource("a.cu", "other kernel", SOURCE.headers()), OPTIONS);
        cache.machineCode(new KernelSource("a.cu", "kernel", Map.of("common.cuh", "other header")), OPTIONS);
        cache.machineCode(SOURCE, List.of("--gpu-architecture=sm_100a"));
        assertThat(compiler.compiled).hasValue(4);
        var newer = new CountingCompiler("1.1");
        new KernelCache(folder, newer).machineCode(SOURCE, OPTIONS);
        assertThat(newer.compiled).hasValue(1);
    }

    @Test
    void compilesAnewWhereTheEntryIsDamaged() throws IOException {
        var cache = new KernelCache(folder, compiler);
        var code = cache.machineCode(SOURCE, OPTIONS);
        var whole = Files.readAllBytes(entry());
        for (int kept : new int[] {0, 1, 31, 32, 33, whole.length - 1}) {
            Files.write(entry(), java.util.Arrays.copyOf(whole, kept));
            int before = compiler.compiled.get();
            assertThat(cache.machineCode(SOURCE, OPTIONS))
                    .as("cut to %d bytes", kept)
                    .isEqualTo(code);
            assertThat(compiler.compiled).hasValue(before + 1);
            assertThat(Files.readAllBytes(entry())).isEqualTo(whole);
        }
        var flipped = whole.clone();
        flipped[40] ^= 1;
        Files.write(entry(), flipped);
        assertThat(cache.machineCode(SOURCE, OPTIONS)).isEqualTo(code);
        assertThat(Files.readAllBytes(entry())).isEqualTo(whole);
    }

    @Test
    void anyNumberMayWriteAtOnce() throws Exception {
        var expected = compileAnew();
        Callable<byte[]> use = () -> new KernelCache(folder, compiler).machineCode(SOURCE, OPTIONS);
        try (var threads = Executors.newFixedThreadPool(8)) {
            for (var result : threads.invokeAll(java.util.Collections.nCopies(64, use))) {
                assertThat(result.get()).isEqualTo(expected);
            }
        }
        try (var entries = Files.list(folder)) {
            assertThat(entries).hasSize(1);
        }
    }

    @Test
    void worksWithoutAFolderItCanWrite() throws IOException {
        var file = Files.writeString(folder.resolve("a file"), "in the way");
        var cache = new KernelCache(file.resolve("kernels"), compiler);
        assertThat(cache.machineCode(SOURCE, OPTIONS)).isEqualTo(compileAnew());
    }

    @Test
    void keepsNothingOfASourceThatDoesNotCompile() {
        var cache = new KernelCache(folder, compiler);
        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> cache.machineCode(new KernelSource("a.cu", "", Map.of()), OPTIONS));
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void liesInTheUsersCacheUnlessNamed() {
        assertThat(KernelCache.usualFolder(Map.of())).endsWithRaw(Path.of(".cache/mixture-of-mamba/kernels"));
        assertThat(KernelCache.usualFolder(Map.of("XDG_CACHE_HOME", "/var/cache")))
                .isEqualTo(Path.of("/var/cache/mixture-of-mamba/kernels"));
        assertThat(KernelCache.usualFolder(Map.of("XDG_CACHE_HOME", "/var/cache", "MOM_KERNEL_CACHE", "/k")))
                .isEqualTo(Path.of("/k"));
    }
}
