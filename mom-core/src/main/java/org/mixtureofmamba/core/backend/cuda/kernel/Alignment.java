package org.mixtureofmamba.core.backend.cuda.kernel;

import org.mixtureofmamba.core.tensor.Tensor;

/** Whether kernels may read and write rows 16 bytes at a time. */
public final class Alignment {
    private static final int BYTES = 16;

    private Alignment() {}

    /** Whether every row of every tensor starts at a multiple of 16 bytes and is as long as a multiple. */
    public static boolean ofRows(Tensor... tensors) {
        for (var tensor : tensors) {
            int size = tensor.dtype().byteSize();
            if (tensor.deviceAddress() % BYTES != 0
                    || tensor.rowStride() * size % BYTES != 0
                    || (long) tensor.columns() * size % BYTES != 0) {
                return false;
            }
        }
        return true;
    }
}
