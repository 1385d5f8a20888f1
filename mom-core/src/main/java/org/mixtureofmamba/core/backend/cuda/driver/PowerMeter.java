package org.mixtureofmamba.core.backend.cuda.driver;

import java.util.Optional;
import java.util.OptionalDouble;

import org.bytedeco.cuda.global.nvml;
import org.bytedeco.cuda.nvml.nvmlDevice_st;
import org.bytedeco.javacpp.PointerPointer;

/**
 * The card's own count of the energy it used since the driver was loaded (Volta and newer); silent where the card or a
 * container hides it. A reading takes milliseconds, so a thread of its own takes one every tenth of a second.
 */
public final class PowerMeter implements AutoCloseable {
    private static final long MILLIS_BETWEEN = 100;

    private final Optional<Thread> reader;
    private volatile OptionalDouble latest = OptionalDouble.empty();

    public PowerMeter(CudaLibraries libraries, String busId) {
        boolean hasLibrary = libraries.load(CudaLibraries.MANAGEMENT) && nvml.nvmlInit_v2() == nvml.NVML_SUCCESS;
        this.reader = (hasLibrary ? device(busId) : Optional.<nvmlDevice_st>empty()).map(device -> {
            latest = read(device);
            return Thread.ofPlatform().daemon().name("power meter").start(() -> readUntilInterrupted(device));
        });
        if (hasLibrary && reader.isEmpty()) {
            nvml.nvmlShutdown();
        }
    }

    private static Optional<nvmlDevice_st> device(String busId) {
        try (var handle = new PointerPointer<nvmlDevice_st>(1)) {
            return nvml.nvmlDeviceGetHandleByPciBusId_v2(busId, handle) == nvml.NVML_SUCCESS
                    ? Optional.of(handle.get(nvmlDevice_st.class))
                    : Optional.empty();
        }
    }

    private static OptionalDouble read(nvmlDevice_st device) {
        var milliJoules = new long[1];
        return nvml.nvmlDeviceGetTotalEnergyConsumption(device, milliJoules) == nvml.NVML_SUCCESS
                ? OptionalDouble.of(milliJoules[0] / 1e3)
                : OptionalDouble.empty();
    }

    private void readUntilInterrupted(nvmlDevice_st device) {
        try {
            while (latest.isPresent()) {
                Thread.sleep(MILLIS_BETWEEN);
                latest = read(device);
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    /** Joules since a moment of the past, as of a tenth of a second ago at most; differences count. */
    public OptionalDouble joules() {
        return latest;
    }

    @Override
    public void close() {
        reader.ifPresent(thread -> {
            thread.interrupt();
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            nvml.nvmlShutdown();
        });
    }
}
