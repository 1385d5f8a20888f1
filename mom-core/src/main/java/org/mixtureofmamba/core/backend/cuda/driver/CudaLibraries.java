package org.mixtureofmamba.core.backend.cuda.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds the libraries of CUDA 13 on this machine and loads them by their full names, after which the presets, which ask
 * for them by short name, find them loaded. So nobody has to set {@code LD_LIBRARY_PATH} for a toolkit in a usual
 * place.
 */
public final class CudaLibraries {
    /** Of the driver. */
    public static final String DRIVER = "libcuda.so.1";

    public static final String MANAGEMENT = "libnvidia-ml.so.1";
    /** Of the toolkit, each after those it needs. */
    public static final List<String> TOOLKIT =
            List.of("libcudart.so.13", "libnvrtc.so.13", "libcublasLt.so.13", "libcublas.so.13");

    private final List<Path> folders;

    public CudaLibraries(Map<String, String> environment) {
        this(usualFolders(environment, Path.of("/usr/local")));
    }

    public CudaLibraries(List<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    /**
     * {@code lib64} of the toolkits that the environment names, then of those under {@code /usr/local}, the newest
     * first.
     */
    public static List<Path> usualFolders(Map<String, String> environment, Path installations) {
        var folders = new ArrayList<Path>();
        for (var variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            Optional.ofNullable(environment.get(variable))
                    .filter(home -> !home.isBlank())
                    .ifPresent(home -> folders.add(Path.of(home, "lib64")));
        }
        folders.add(installations.resolve("cuda/lib64"));
        try (Stream<Path> homes = Files.list(installations)) {
            homes.filter(home -> home.getFileName().toString().startsWith("cuda-13"))
                    .sorted(java.util.Comparator.reverseOrder())
                    .forEach(home -> folders.add(home.resolve("lib64")));
        } catch (IOException e) {
            // no such folder: the loader's own search path is all there is
        }
        return folders;
    }

    /** The first library of the toolkit that is nowhere to be found. Those found stay loaded. */
    public Optional<String> missingOfToolkit() {
        return TOOLKIT.stream().filter(library -> !load(library)).findFirst();
    }

    /** Loads a library for the life of the process; false if it is nowhere. */
    public boolean load(String library) {
        if (opens(() -> SymbolLookup.libraryLookup(library, Arena.global()))) {
            return true;
        }
        for (var folder : folders) {
            var file = folder.resolve(library);
            if (Files.isReadable(file) && opens(() -> SymbolLookup.libraryLookup(file, Arena.global()))) {
                return true;
            }
        }
        // org.bytedeco:cuda-redist carries some of them; the presets unpack these when they are first used.
        return CudaLibraries.class.getResource("/org/bytedeco/cuda/linux-x86_64/" + library) != null;
    }

    private static boolean opens(Runnable lookup) {
        try {
            lookup.run();
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
