package org.mixtureofmamba.core.backend.cuda.driver;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;

/** A mark in a stream. */
public final class CudaEvent implements AutoCloseable {
    public final CUevent_st handle = new CUevent_st();

    /** Whether {@link #millisecondsSince} will be asked. */
    public enum Timing {
        NONE,
        TIMED
    }

    public CudaEvent(Timing timing) {
        int flags = timing == Timing.NONE ? cudart.CU_EVENT_DISABLE_TIMING : cudart.CU_EVENT_DEFAULT;
        CudaErrors.check(cudart.cuEventCreate(handle, flags), "cuEventCreate", "a mark in a stream");
    }

    /** Moves the mark to where the stream now ends. */
    public void record(CudaStream stream) {
        CudaErrors.check(cudart.cuEventRecord(handle, stream.handle), "cuEventRecord", "a mark in a stream");
    }

    /** Blocks the caller until the device has passed the mark; at once if it was never recorded. */
    public void synchronize() {
        CudaErrors.check(cudart.cuEventSynchronize(handle), "cuEventSynchronize", "a mark in a stream");
    }

    /** The device's time from another mark to this one, both passed. */
    public double millisecondsSince(CudaEvent start) {
        var milliseconds = new float[1];
        CudaErrors.check(cudart.cuEventElapsedTime(milliseconds, start.handle, handle), "cuEventElapsedTime", "timing");
        return milliseconds[0];
    }

    @Override
    public void close() {
        cudart.cuEventDestroy(handle);
    }
}
