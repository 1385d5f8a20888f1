package org.mixtureofmamba.core.backend.cuda.driver;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** A queue of work for the device, done in the order in which it was given. */
public final class CudaStream implements AutoCloseable {
    public final CUstream_st handle = new CUstream_st();
    private final String name;

    /** @param name named in errors */
    public CudaStream(String name) {
        this.name = name;
        CudaErrors.check(cudart.cuStreamCreate(handle, cudart.CU_STREAM_NON_BLOCKING), "cuStreamCreate", name);
    }

    public void await(CudaEvent event) {
        CudaErrors.check(
                cudart.cuStreamWaitEvent(handle, event.handle, cudart.CU_EVENT_WAIT_DEFAULT),
                "cuStreamWaitEvent",
                name);
    }

    /** Blocks the caller until all work given so far is done; an error of that work surfaces here. */
    public void synchronize() {
        CudaErrors.check(cudart.cuStreamSynchronize(handle), "cuStreamSynchronize", name);
    }

    @Override
    public void close() {
        cudart.cuStreamDestroy(handle);
    }
}
