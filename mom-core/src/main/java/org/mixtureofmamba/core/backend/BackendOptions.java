package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.UserException;

/**
 * How a backend is to run.
 *
 * @param threads worker threads of a backend on the CPU
 * @param device the number of the GPU
 * @param precision the type of activations on a GPU
 */
public record BackendOptions(int threads, int device, Precision precision) {
    /** bf16 for speed; float32 for parity and debugging. */
    public enum Precision {
        BF16,
        FLOAT32
    }

    public BackendOptions {
        if (threads < 1) {
            throw new UserException("threads must be 1 or more, not " + threads);
        }
        if (device < 0) {
            throw new UserException("device must be 0 or more, not " + device);
        }
    }

    /** All processors, the first GPU, bf16. */
    public static BackendOptions defaults() {
        return new BackendOptions(Runtime.getRuntime().availableProcessors(), 0, Precision.BF16);
    }
}
