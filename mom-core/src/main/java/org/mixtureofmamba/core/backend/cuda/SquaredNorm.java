package org.mixtureofmamba.core.backend.cuda;

import org.mixtureofmamba.core.backend.cuda.WrittenGradients.Sums;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The sum of squares: squared_norm.cu. Of gradients, most is summed beside the scans of backward, which leave the
 * memory idle, as soon as it is written.
 */
final class SquaredNorm {
    private final LazyZeros zeros;
    private final WrittenGradients gradients;
    private final Kernel partial;
    private final Kernel beside;
    private final Kernel finish;
    private final int multiprocessors;
    private final boolean overlaps;
    /** Of what comes before the sums beside scans, of what comes after them, and these. */
    private final Tensor sums;

    SquaredNorm(Kernels kernels, DeviceMemory memory, LazyZeros zeros, WrittenGradients gradients, CudaDevice device) {
        var module = kernels.module("squared_norm.cu");
        this.zeros = zeros;
        this.gradients = gradients;
        this.partial = module.kernel("squaredNormPartial");
        this.beside = module.kernel("squaredNormBeside");
        this.finish = module.kernel("squaredNormFinish");
        this.multiprocessors = device.multiprocessors();
        this.overlaps = CudaDevice.overlapsKernels(device.architecture());
        this.sums = memory.zeros(
                "sums", DType.FLOAT64, 2L * partial.units() + (long) WrittenGradients.MOST_PARTS * multiprocessors);
    }

    /** out [1] float64 = the sum of values². */
    void of(Tensor values, Tensor out) {
        var known = gradients.sums(values);
        zeros.settle(values);
        int blocks = partial.units();
        int partsBeside = 0;
        if (known.isPresent()) {
            sum(values, known.get().to(), values.size(), blocks);
            partsBeside = blocks + known.get().parts() * multiprocessors;
        }
        sum(values, 0, known.map(Sums::from).orElse(values.size()), 0);
        finish.grid(1).with(out).with(sums).with(blocks + partsBeside).launch();
    }

    private void sum(Tensor values, long from, long to, int slot) {
        partial.grid(partial.units())
                .with(sums.deviceAddress(slot))
                .with(values.deviceAddress(from))
                .with(to - from)
                .launch();
    }

    /**
     * After the launch of a scan of backward: sums the squares of the gradients written since the last one beside it.
     */
    void besideBackward() {
        if (!overlaps) {
            return;
        }
        gradients.unsummed().ifPresent(values -> {
            zeros.settle(values);
            beside.grid(multiprocessors)
                    .with(sums.deviceAddress(2L * partial.units() + (long) gradients.sum() * multiprocessors))
                    .with(values.deviceAddress())
                    .with(values.size())
                    .launchOverlapping();
        });
    }
}
