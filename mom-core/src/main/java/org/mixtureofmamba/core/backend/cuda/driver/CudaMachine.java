package org.mixtureofmamba.core.backend.cuda.driver;

import java.util.List;
import java.util.Optional;

import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.global.cudart;

/** What {@link CudaDoctor} asks of a machine; each question may load what the ones before it found. */
public interface CudaMachine {
    /** Whether the presets hold machine code for this system. */
    boolean isSupported();

    boolean hasDriver();

    /** The file name of the first library of the toolkit that is missing. */
    Optional<String> missingLibrary();

    /** Status of opening the driver, 0 if it is well. */
    int driverStatus();

    /** The driver's words for a status. */
    String describe(int status);

    /** The CUDA version the driver speaks, 13000 for 13.0. */
    int driverVersion();

    List<Card> cards();

    /**
     * @param capability compute capability times ten, 90 for 9.0
     * @param freeBytes what can still be allocated; -1 if the card could not be opened
     * @param status of opening it, 0 if it is well
     */
    record Card(String name, int capability, long freeBytes, long totalBytes, int status) {}

    /** This machine. */
    record Here(CudaLibraries libraries) implements CudaMachine {
        @Override
        public boolean isSupported() {
            return Here.class.getResource("/org/bytedeco/cuda/linux-x86_64/libjnicudart.so") != null
                    && System.getProperty("os.name").equals("Linux")
                    && System.getProperty("os.arch").equals("amd64");
        }

        @Override
        public boolean hasDriver() {
            return libraries.load(CudaLibraries.DRIVER);
        }

        @Override
        public Optional<String> missingLibrary() {
            return libraries.missingOfToolkit();
        }

        @Override
        public int driverStatus() {
            return cudart.cuInit(0);
        }

        @Override
        public String describe(int status) {
            return CudaErrors.describe(status);
        }

        @Override
        public int driverVersion() {
            var version = new int[1];
            CudaErrors.check(cudart.cuDriverGetVersion(version), "cuDriverGetVersion", "the driver's version");
            return version[0];
        }

        @Override
        public List<Card> cards() {
            var count = new int[1];
            CudaErrors.check(cudart.cuDeviceGetCount(count), "cuDeviceGetCount", "the cards");
            return java.util.stream.IntStream.range(0, count[0])
                    .mapToObj(Here::card)
                    .toList();
        }

        private static Card card(int number) {
            var device = new int[1];
            CudaErrors.check(cudart.cuDeviceGet(device, number), "cuDeviceGet", "device " + number);
            var name = CudaDevice.name(device[0]);
            int capability = 10 * CudaDevice.attribute(device[0], cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                    + CudaDevice.attribute(device[0], cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
            var context = new CUctx_st();
            int status = cudart.cuDevicePrimaryCtxRetain(context, device[0]);
            if (status != cudart.CUDA_SUCCESS) {
                return new Card(name, capability, -1, -1, status);
            }
            try {
                CudaErrors.check(cudart.cuCtxSetCurrent(context), "cuCtxSetCurrent", name);
                var memory = CudaDevice.memory();
                return new Card(name, capability, memory.free(), memory.total(), status);
            } finally {
                cudart.cuDevicePrimaryCtxRelease(device[0]);
            }
        }
    }
}
