package org.mixtureofmamba.core.backend.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Whether ND4J's CUDA library, which the profile {@code nd4j-cuda} puts under the Deeplearning4j networks, could run
 * here. Its last release holds machine code for compute capabilities from 3.7 to 8.6 and no PTX that a driver could
 * compile for others. The driver is asked without the presets, which want libraries of CUDA 13.
 */
public final class Nd4jCuda {
    private static final int OLDEST_CAPABILITY = 37;
    /** Machine code runs on later cards of the same major version; there is none for this one. */
    private static final int FIRST_WITHOUT_CODE = 90;

    private static final String LIBRARY = "/org/nd4j/linalg/jcublas/JCublasBackend.class";
    private static final int MAJOR = 75;
    private static final int MINOR = 76;

    private Nd4jCuda() {}

    /** What stands in the way on this machine and in this build, and what to do about it, in one line. */
    public static Optional<String> obstacle() {
        return obstacle(capabilities(), Nd4jCuda.class.getResource(LIBRARY) != null);
    }

    /**
     * @param capabilities of the cards, times ten; empty without a driver
     * @param inBuild whether the library is on the class path
     */
    public static Optional<String> obstacle(Optional<List<Integer>> capabilities, boolean inBuild) {
        if (capabilities.isEmpty()) {
            return Optional.of(
                    "no NVIDIA driver: libcuda.so.1 was not found or does not start; the image tokenizers run on the CPU");
        }
        if (capabilities.get().isEmpty()) {
            return Optional.of("the NVIDIA driver sees no card; the image tokenizers run on the CPU");
        }
        int capability = capabilities.get().getFirst();
        if (capability < OLDEST_CAPABILITY || capability >= FIRST_WITHOUT_CODE) {
            return Optional.of(
                    ("the card has compute capability %d.%d, and ND4J's CUDA library holds machine code for 3.7 to 8.6 and no PTX; "
                                    + "the image tokenizers run on the CPU")
                            .formatted(capability / 10, capability % 10));
        }
        return inBuild
                ? Optional.empty()
                : Optional.of(
                        "the card fits, but this build has no ND4J CUDA; build it with 'mvn -P launcher,nd4j-cuda package' (CUDA 11.6)");
    }

    private static Optional<List<Integer>> capabilities() {
        try (var arena = Arena.ofConfined()) {
            var driver = SymbolLookup.libraryLookup(CudaLibraries.DRIVER, Arena.global());
            var number = arena.allocate(ValueLayout.JAVA_INT);
            if (call(driver, "cuInit", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT), 0) != 0) {
                return Optional.empty();
            }
            var one = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS);
            if (call(driver, "cuDeviceGetCount", one, number) != 0) {
                return Optional.empty();
            }
            int count = number.get(ValueLayout.JAVA_INT, 0);
            var capabilities = new ArrayList<Integer>();
            for (int device = 0; device < count; device++) {
                capabilities.add(
                        10 * attribute(driver, number, MAJOR, device) + attribute(driver, number, MINOR, device));
            }
            return Optional.of(capabilities);
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // no such library
        }
    }

    /** Of a device, whose number is its ordinal. */
    private static int attribute(SymbolLookup driver, MemorySegment number, int attribute, int device) {
        var three = FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
        return call(driver, "cuDeviceGetAttribute", three, number, attribute, device) == 0
                ? number.get(ValueLayout.JAVA_INT, 0)
                : 0;
    }

    private static int call(SymbolLookup driver, String function, FunctionDescriptor descriptor, Object... arguments) {
        try {
            return (int) Linker.nativeLinker()
                    .downcallHandle(driver.findOrThrow(function), descriptor)
                    .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new IllegalStateException("cannot call " + function, e);
        }
    }
}
