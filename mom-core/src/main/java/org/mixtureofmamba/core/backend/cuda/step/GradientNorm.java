package org.mixtureofmamba.core.backend.cuda.step;

import org.mixtureofmamba.core.backend.StepSchedule.Span;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The sum of squares: squared_norm.cu. Of a model's gradients, most is summed beside the scans of backward, which leave
 * the memory idle, as soon as it is final.
 */
public final class GradientNorm implements AutoCloseable {
    private final DeviceMemory memory;
    private final Kernel partial;
    private final Kernel beside;
    private final Kernel finish;
    private final int multiprocessors;
    /** Of what lies before the sums beside scans, of what lies after them, and these. */
    private final Tensor sums;

    public GradientNorm(Kernels kernels, DeviceMemory memory, int multiprocessors) {
        var module = kernels.module("squared_norm.cu");
        this.memory = memory;
        this.partial = module.kernel("squaredNormPartial");
        this.beside = module.kernel("squaredNormBeside");
        this.finish = module.kernel("squaredNormFinish");
        this.multiprocessors = multiprocessors;
        this.sums = memory.zeros(
                "sums", DType.FLOAT64, 2L * partial.units() + (long) FinalGradients.MOST_SUMS * multiprocessors);
    }

    /** out [1] float64 = the sum of values². */
    public void of(Tensor values, Tensor out) {
        sum(values, 0, values.size(), 0);
        finish(out, partial.units());
    }

    /** The same, of which some is summed already. */
    void of(Tensor values, FinalGradients known, Tensor out) {
        if (known.sums() == 0) {
            of(values, out);
            return;
        }
        int blocks = partial.units();
        sum(values, known.summed().to(), values.size(), blocks);
        sum(values, 0, known.summed().from(), 0);
        finish(out, 2 * blocks + known.sums() * multiprocessors);
    }

    private void sum(Tensor values, long from, long to, int slot) {
        partial.grid(partial.units())
                .with(sums.deviceAddress(slot))
                .with(values.deviceAddress(from))
                .with(to - from)
                .launch();
    }

    private void finish(Tensor out, int count) {
        finish.grid(1).with(out).with(sums).with(count).launch();
    }

    /** After the launch of a scan of backward: sums squares beside it. */
    void besideLast(Tensor values, Span part, int number) {
        beside.grid(multiprocessors)
                .with(sums.deviceAddress(2L * partial.units() + (long) number * multiprocessors))
                .with(values.deviceAddress(part.from()))
                .with(part.to() - part.from())
                .launchOverlapping();
    }

    @Override
    public void close() {
        memory.free(sums.storage());
    }
}
