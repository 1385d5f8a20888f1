package org.mixtureofmamba.core.backend.cuda.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.backend.cuda.driver.CudaDevice;

/**
 * CUDA C++ as it lies in the resources of this package.
 *
 * @param name of the file, as {@code rms_norm.cu}
 * @param headers what it may include, by name
 */
public record KernelSource(String name, String text, Map<String, String> headers) {
    /** Of the cards that have {@code grouped_product.cu}. */
    public static final String GROUPED_ARCHITECTURE = "sm_90a";

    /** The scan as its equations say it, which only tests run. */
    public static final String PLAIN = "selective_scan_plain.cu";

    private static final String FOLDER = "/org/mixtureofmamba/core/backend/cuda/";
    private static final String GROUPED = "grouped_product.cu";
    private static final String BESIDE = "adamw_beside.cu";

    /** All files of kernels, one operation each. */
    public static final List<String> FILES = List.of(
            "adamw.cu",
            BESIDE,
            "causal_conv1d.cu",
            "copy.cu",
            "cross_entropy.cu",
            "embedding.cu",
            "gated_gather.cu",
            GROUPED,
            "rms_norm.cu",
            "selective_scan_backward.cu",
            "selective_scan_forward.cu",
            PLAIN,
            "selective_scan_segments.cu",
            "squared_norm.cu");

    private static final List<String> HEADERS = List.of(
            "adamw.cuh",
            "barrier.cuh",
            "common.cuh",
            "selective_scan.cuh",
            "selective_scan_tile.cuh",
            "warp_group.cuh");

    /** The files that serve cards of an architecture, as {@code sm_90a}. */
    public static List<String> files(String architecture) {
        return FILES.stream()
                .filter(file -> switch (file) {
                    case GROUPED -> architecture.equals(GROUPED_ARCHITECTURE);
                    case BESIDE -> CudaDevice.overlapsKernels(architecture);
                    case PLAIN -> false;
                    default -> true;
                })
                .toList();
    }

    public static KernelSource resource(String name) {
        return new KernelSource(
                name, read(name), HEADERS.stream().collect(Collectors.toMap(header -> header, KernelSource::read)));
    }

    /** The name without its extension. */
    public String stem() {
        return name.substring(0, name.lastIndexOf('.'));
    }

    private static String read(String name) {
        try (var in = KernelSource.class.getResourceAsStream(FOLDER + name)) {
            if (in == null) {
                throw new IllegalStateException("the jar lacks " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
