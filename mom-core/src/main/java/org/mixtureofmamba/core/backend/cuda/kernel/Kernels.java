package org.mixtureofmamba.core.backend.cuda.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;
import org.mixtureofmamba.core.backend.cuda.driver.CudaDevice;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;

/** The kernels of one device, compiled for its architecture and one type of activations, and the stream they run on. */
public final class Kernels implements AutoCloseable {
    private final CudaDevice device;
    private final KernelCache cache;
    private final List<String> options;
    private final CudaStream stream;
    private final LaunchArguments arguments = new LaunchArguments();
    private final Map<List<String>, Module> modules = new HashMap<>();

    public Kernels(CudaDevice device, KernelCache cache, Precision precision, CudaStream stream) {
        this.device = device;
        this.cache = cache;
        this.options = options(device.architecture(), precision);
        this.stream = stream;
        // The first run on a card compiles every file; side by side, that takes as long as the longest.
        KernelSource.files(device.architecture()).parallelStream()
                .forEach(file -> cache.machineCode(KernelSource.resource(file), options));
    }

    public static List<String> options(String architecture, Precision precision) {
        return List.of(
                "--gpu-architecture=" + architecture,
                "--std=c++17",
                switch (precision) {
                    case BF16 -> "-DMOM_BF16";
                    case FLOAT32 -> "-DMOM_FLOAT32";
                });
    }

    /**
     * The kernels of a file, loaded once.
     *
     * @param defines further compiler options, as {@code -DMOM_N=32}
     */
    public Module module(String file, String... defines) {
        var key = new ArrayList<>(List.of(file));
        key.addAll(List.of(defines));
        return modules.computeIfAbsent(key, absent -> {
            var all = new ArrayList<>(options);
            all.addAll(List.of(defines));
            return new Module(file, cache.machineCode(KernelSource.resource(file), all));
        });
    }

    /** The compiled kernels of one file. */
    public final class Module implements AutoCloseable {
        private final String file;
        private final CUmod_st handle = new CUmod_st();

        private Module(String file, byte[] machineCode) {
            this.file = file;
            try (var code = new BytePointer(machineCode)) {
                CudaErrors.check(cudart.cuModuleLoadData(handle, code), "cuModuleLoadData", file);
            }
        }

        public Kernel kernel(String name) {
            return new Kernel(name, handle, integers(name + "_launch", 4), device, stream, arguments);
        }

        /** A module-wide integer. */
        public int integer(String name) {
            return integers(name, 1)[0];
        }

        private int[] integers(String name, int count) {
            var address = new long[1];
            try (var size = new SizeTPointer(1);
                    var symbol = new BytePointer(name);
                    var values = new org.bytedeco.javacpp.IntPointer(count)) {
                CudaErrors.check(
                        cudart.cuModuleGetGlobal(address, size, handle, symbol),
                        "cuModuleGetGlobal",
                        name + " of " + file);
                CudaErrors.check(
                        cudart.cuMemcpyDtoH(values, address[0], (long) count * Integer.BYTES),
                        "cuMemcpyDtoH",
                        name + " of " + file);
                var result = new int[count];
                values.get(result);
                return result;
            }
        }

        @Override
        public void close() {
            cudart.cuModuleUnload(handle);
        }
    }

    @Override
    public void close() {
        modules.values().forEach(Module::close);
        arguments.close();
    }
}
