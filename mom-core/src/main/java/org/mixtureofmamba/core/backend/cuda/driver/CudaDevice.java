package org.mixtureofmamba.core.backend.cuda.driver;

import java.util.List;
import java.util.OptionalDouble;

import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * One card: its properties and the context of this process on it, which belongs to the thread that opened it until
 * another enters.
 */
public final class CudaDevice implements AutoCloseable {
    private final int device;
    private final CUctx_st context = new CUctx_st();
    private final String name;
    private final int multiprocessors;
    private final int major;
    private final int minor;
    private final int sharedBytesOfBlock;

    /**
     * Dense bf16 rates with float32 accumulation, from the makers' data sheets, in 1e12 a second; the first name that
     * fits counts.
     */
    private record Rate(String name, double teraFlops) {}

    private static final List<Rate> RATES = List.of(
            new Rate("H100 PCIe", 756),
            new Rate("H100 NVL", 835),
            new Rate("H100", 989.4),
            new Rate("H200", 989.4),
            new Rate("GH200", 989.4),
            new Rate("B200", 2250),
            new Rate("A100", 312),
            new Rate("L40S", 362),
            new Rate("RTX 4090", 165.2));

    public CudaDevice(int number) {
        CudaErrors.check(cudart.cuInit(0), "cuInit", "opening the driver");
        var handle = new int[1];
        CudaErrors.check(cudart.cuDeviceGet(handle, number), "cuDeviceGet", "device " + number);
        this.device = handle[0];
        this.name = name(device);
        this.multiprocessors = attribute(device, cudart.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        this.major = attribute(device, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
        this.minor = attribute(device, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        this.sharedBytesOfBlock = attribute(device, cudart.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
        CudaErrors.check(
                cudart.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain", "device " + number);
        enter();
    }

    /** Makes this device the one that calls of this thread mean. */
    public void enter() {
        CudaErrors.check(cudart.cuCtxSetCurrent(context), "cuCtxSetCurrent", name);
    }

    public static int attribute(int device, int attribute) {
        var value = new int[1];
        CudaErrors.check(
                cudart.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute", "device " + device);
        return value[0];
    }

    public static String name(int device) {
        var bytes = new byte[256];
        CudaErrors.check(cudart.cuDeviceGetName(bytes, bytes.length, device), "cuDeviceGetName", "device " + device);
        int end = 0;
        while (bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, java.nio.charset.StandardCharsets.UTF_8);
    }

    public String name() {
        return name;
    }

    /** The newest CUDA version that the driver speaks. */
    public String driver() {
        var version = new int[1];
        CudaErrors.check(cudart.cuDriverGetVersion(version), "cuDriverGetVersion", name);
        return "CUDA %d.%d".formatted(version[0] / 1000, version[0] % 1000 / 10);
    }

    public int multiprocessors() {
        return multiprocessors;
    }

    /** The most shared memory that a block can have. */
    public int sharedBytesOfBlock() {
        return sharedBytesOfBlock;
    }

    /** As the compiler names it; with the features of exactly this family from Hopper on. */
    public String architecture() {
        return architecture(major, minor);
    }

    /**
     * Whether a card's kernels can start before the one before is over, as those of sm_90 and later can.
     *
     * @param architecture as {@code sm_90a}
     */
    public static boolean overlapsKernels(String architecture) {
        return Integer.parseInt(architecture.replaceAll("\\D", "")) >= 90;
    }

    public static String architecture(int major, int minor) {
        return "sm_" + major + minor + (major >= 9 ? "a" : "");
    }

    /** As nvidia-smi and NVML know the card, whatever CUDA_VISIBLE_DEVICES hides. */
    public String busId() {
        var bytes = new byte[32];
        CudaErrors.check(cudart.cuDeviceGetPCIBusId(bytes, bytes.length, device), "cuDeviceGetPCIBusId", name);
        return new String(bytes, java.nio.charset.StandardCharsets.US_ASCII).trim();
    }

    public OptionalDouble bf16FlopsPerSecond() {
        return bf16FlopsPerSecond(name);
    }

    public static OptionalDouble bf16FlopsPerSecond(String name) {
        return RATES.stream()
                .filter(rate -> name.contains(rate.name()))
                .mapToDouble(rate -> rate.teraFlops() * 1e12)
                .findFirst();
    }

    /** Bytes free and bytes in all. */
    public record MemoryState(long free, long total) {}

    public static MemoryState memory() {
        try (var free = new SizeTPointer(1);
                var total = new SizeTPointer(1)) {
            CudaErrors.check(cudart.cuMemGetInfo(free, total), "cuMemGetInfo", "the card's memory");
            return new MemoryState(free.get(), total.get());
        }
    }

    @Override
    public void close() {
        cudart.cuDevicePrimaryCtxRelease(device);
    }
}
