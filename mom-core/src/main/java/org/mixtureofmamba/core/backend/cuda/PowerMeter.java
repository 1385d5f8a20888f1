package org.mixtureofmamba.core.backend.cuda;

import java.util.OptionalDouble;

import org.bytedeco.cuda.global.nvml;
import org.bytedeco.cuda.nvml.nvmlDevice_st;
import org.bytedeco.javacpp.PointerPointer;

/** The card's own count of the energy it used since the driver was loaded (Volta and newer); silent where the card or a container hides it. */
final class PowerMeter implements AutoCloseable {
    private final boolean isRunning;
    private final nvmlDevice_st device;

    PowerMeter(CudaLibraries libraries, String busId) {
        boolean running = libraries.load(CudaLibraries.MANAGEMENT) && nvml.nvmlInit_v2() == nvml.NVML_SUCCESS;
        nvmlDevice_st found = new nvmlDevice_st();
        if (running) {
            try (var handle = new PointerPointer<nvmlDevice_st>(1)) {
                running = nvml.nvmlDeviceGetHandleByPciBusId_v2(busId, handle) == nvml.NVML_SUCCESS;
                if (running) {
                    found = handle.get(nvmlDevice_st.class);
                } else {
                    nvml.nvmlShutdown();
                }
            }
        }
        this.isRunning = running;
        this.device = found;
    }

    /** Joules since a moment of the past; differences count. */
    OptionalDouble joules() {
        var milliJoules = new long[1];
        return isRunning && nvml.nvmlDeviceGetTotalEnergyConsumption(device, milliJoules) == nvml.NVML_SUCCESS
                ? OptionalDouble.of(milliJoules[0] / 1e3)
                : OptionalDouble.empty();
    }

    @Override
    public void close() {
        if (isRunning) {
            nvml.nvmlShutdown();
        }
    }
}
