package org.mixtureofmamba.core.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The squared norm of the gradients and AdamW, one pass each: squared_norm.cu, adamw.cu. What the weights of products take is left to
 * {@link DeferredUpdate}.
 */
final class Optimizer {
    /** Blocks for each multiprocessor beside a scan: more than it has room for at a time, so that none is idle where the scan ends. */
    private static final int BLOCKS_BESIDE = 16;

    private final LazyZeros zeros;
    private final DeferredUpdate update;
    private final Kernel partial;
    private final Kernel finish;
    private final Kernel adamW;
    private final Kernel adamWBeside;
    private final int blocksBeside;
    private final Tensor partials;
    /** {@code struct Step} of adamw.cu. */
    private final MemorySegment step = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, 7);

    Optimizer(Kernels kernels, DeviceMemory memory, LazyZeros zeros, DeferredUpdate update, int multiprocessors) {
        var norm = kernels.module("squared_norm.cu");
        var module = kernels.module("adamw.cu");
        this.zeros = zeros;
        this.update = update;
        this.partial = norm.kernel("squaredNormPartial");
        this.finish = norm.kernel("squaredNormFinish");
        this.adamW = module.kernelBetween("adamW");
        this.adamWBeside = module.kernelBetween("adamWBeside");
        this.blocksBeside = BLOCKS_BESIDE * multiprocessors;
        this.partials = memory.zeros("sums", DType.FLOAT64, partial.units());
    }

    void squaredNorm(Tensor values, Tensor out) {
        partial.grid(partial.units())
                .with(partials)
                .with(values)
                .with(values.size())
                .launch();
        finish.grid(1).with(out).with(partials).launch();
    }

    void step(
            AdamW settings,
            Tensor master,
            Tensor working,
            Tensor grad,
            Tensor firstMoment,
            Tensor secondMoment,
            Tensor gradSquaredNorm) {
        var state = List.of(grad, firstMoment, secondMoment);
        for (var tensor : List.of(master, working, grad, firstMoment, secondMoment, gradSquaredNorm)) {
            zeros.settle(tensor);
        }
        update.finish(); // another model's, which reads the same description of a step
        describe(settings);
        var pass = new Update(this, settings, master, working, grad, firstMoment, secondMoment, gradSquaredNorm);
        long deferred = settings.decayed() / DeferredUpdate.MULTIPLE * DeferredUpdate.MULTIPLE; // the weights of products
        pass.alone(deferred, master.size());
        update.begin(pass, List.of(master, working), state, deferred);
    }

    /** AdamW over parts of the flat buffers. */
    private record Update(
            Optimizer optimizer,
            AdamW settings,
            Tensor master,
            Tensor working,
            Tensor grad,
            Tensor firstMoment,
            Tensor secondMoment,
            Tensor gradSquaredNorm)
            implements DeferredUpdate.Pass {
        @Override
        public void alone(long from, long to) {
            buffers(optimizer.adamW.grid(optimizer.adamW.blocks(to - from)), from)
                    .with(to - from)
                    .with(settings.decayed() - from)
                    .with(Double.doubleToRawLongBits(settings.clipNorm()))
                    .with(optimizer.step)
                    .launch();
        }

        @Override
        public void beside(long from, long to, CudaStream stream) {
            buffers(optimizer.adamWBeside.grid(optimizer.blocksBeside), from)
                    .with(Math.toIntExact(to - from))
                    .with(Double.doubleToRawLongBits(settings.clipNorm()))
                    .with(optimizer.step)
                    .launch(stream);
        }

        private Kernel buffers(Kernel kernel, long from) {
            boolean isMaster = working.deviceAddress() == master.deviceAddress();
            return kernel.with(address(master, from))
                    .with(isMaster ? 0 : address(working, from))
                    .with(address(grad, from))
                    .with(address(firstMoment, from))
                    .with(address(secondMoment, from))
                    .with(gradSquaredNorm.deviceAddress());
        }

        private static long address(Tensor tensor, long element) {
            return tensor.deviceAddress() + element * tensor.dtype().byteSize();
        }
    }

    private void describe(AdamW settings) {
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 0, (float) settings.learningRate());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 1, (float) settings.beta1());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 2, (float) settings.beta2());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 3, (float) settings.epsilon());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 4, (float) settings.weightDecay());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 5, (float) (1 / (1 - Math.pow(settings.beta1(), settings.step()))));
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 6, (float) (1 / (1 - Math.pow(settings.beta2(), settings.step()))));
    }
}
