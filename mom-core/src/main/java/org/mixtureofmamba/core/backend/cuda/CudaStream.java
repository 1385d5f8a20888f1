package org.mixtureofmamba.core.backend.cuda;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** A queue of work for the device, done in the order in which it was given. */
final class CudaStream implements AutoCloseable {
    final CUstream_st handle = new CUstream_st();
    private final String name;

    /** @param name named in errors */
    CudaStream(String name) {
        this.name = name;
        CudaErrors.check(cudart.cuStreamCreate(handle, cudart.CU_STREAM_NON_BLOCKING), "cuStreamCreate", name);
    }

    /** One whose blocks go to the multiprocessors before those of other streams. */
    static CudaStream preferred(String name) {
        return new CudaStream(name, greatestPriority());
    }

    private CudaStream(String name, int priority) {
        this.name = name;
        CudaErrors.check(
                cudart.cuStreamCreateWithPriority(handle, cudart.CU_STREAM_NON_BLOCKING, priority), "cuStreamCreateWithPriority", name);
    }

    private static int greatestPriority() {
        var least = new int[1];
        var greatest = new int[1];
        CudaErrors.check(cudart.cuCtxGetStreamPriorityRange(least, greatest), "cuCtxGetStreamPriorityRange", "streams");
        return greatest[0];
    }

    void await(CudaEvent event) {
        CudaErrors.check(
                cudart.cuStreamWaitEvent(handle, event.handle, cudart.CU_EVENT_WAIT_DEFAULT), "cuStreamWaitEvent", name);
    }

    /** Blocks the caller until all work given so far is done; an error of that work surfaces here. */
    void synchronize() {
        CudaErrors.check(cudart.cuStreamSynchronize(handle), "cuStreamSynchronize", name);
    }

    @Override
    public void close() {
        cudart.cuStreamDestroy(handle);
    }
}
