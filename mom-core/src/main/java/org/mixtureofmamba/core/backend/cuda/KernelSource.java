package org.mixtureofmamba.core.backend.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * CUDA C++ as it lies in the resources of this package.
 *
 * @param name of the file, as {@code rms_norm.cu}
 * @param headers what it may include, by name
 */
record KernelSource(String name, String text, Map<String, String> headers) {
    private static final String GROUPED = "grouped_product.cu";
    private static final String BESIDE = "adamw_beside.cu";

    /** All files of kernels, one operation each. */
    static final List<String> FILES = List.of(
            "adamw.cu",
            BESIDE,
            "causal_conv1d.cu",
            "copy.cu",
            "cross_entropy.cu",
            "embedding.cu",
            GROUPED,
            "rms_norm.cu",
            "selective_scan.cu",
            "squared_norm.cu");

    private static final List<String> HEADERS = List.of("adamw.cuh", "common.cuh", "warp_group.cuh");

    /** The files that serve cards of an architecture, as {@code sm_90a}. */
    static List<String> files(String architecture) {
        return FILES.stream()
                .filter(file -> switch (file) {
                    case GROUPED -> architecture.equals(GroupedProducts.ARCHITECTURE);
                    case BESIDE -> CudaDevice.overlapsKernels(architecture);
                    default -> true;
                })
                .toList();
    }

    static KernelSource resource(String name) {
        return new KernelSource(
                name, read(name), HEADERS.stream().collect(Collectors.toMap(header -> header, KernelSource::read)));
    }

    /** The name without its extension. */
    String stem() {
        return name.substring(0, name.lastIndexOf('.'));
    }

    private static String read(String name) {
        try (var in = KernelSource.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the jar lacks " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
