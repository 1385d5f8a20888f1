package org.mixtureofmamba.core.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.cuda.DeferredUpdate.Buffers;
import org.mixtureofmamba.core.backend.cuda.DeferredUpdate.Part;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * AdamW in one pass: adamw.cu and adamw_beside.cu. What the weights of products take is left to {@link DeferredUpdate}.
 */
final class Optimizer {
    private final DeviceMemory memory;
    private final LazyZeros zeros;
    private final DeferredUpdate update;
    private final Map<Part, Kernel> alone;
    /** Empty where the card lacks their means. */
    private final Map<Part, Kernel> beside;

    private final int multiprocessors;
    /** Of tiles, one for each part beside a scan. */
    private final Tensor claims;
    /** {@code struct Step} of adamw.cu. */
    private final MemorySegment step = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, 7);

    Optimizer(Kernels kernels, DeviceMemory memory, LazyZeros zeros, DeferredUpdate update, CudaDevice device) {
        this.memory = memory;
        this.zeros = zeros;
        this.update = update;
        var onWholeCard = kernels.module("adamw.cu");
        this.alone = Map.of(
                Part.WHOLE, onWholeCard.kernelBetween("adamW"),
                Part.MOMENTS, onWholeCard.kernelBetween("adamWMoments"));
        this.beside = CudaDevice.overlapsKernels(device.architecture())
                ? beside(kernels.module("adamw_beside.cu"))
                : Map.of();
        this.multiprocessors = device.multiprocessors();
        this.claims = memory.zeros("sums", DType.INT32, DeferredUpdate.MOST_PARTS);
    }

    private static Map<Part, Kernel> beside(Kernels.Module module) {
        return Map.of(
                Part.WHOLE, module.kernelBetween("adamWBeside"),
                Part.WEIGHTS, module.kernelBetween("adamWWeightsBeside"),
                Part.MOMENTS, module.kernelBetween("adamWMomentsBeside"));
    }

    void step(
            AdamW settings,
            Tensor master,
            Tensor working,
            Tensor grad,
            Tensor firstMoment,
            Tensor secondMoment,
            Tensor gradSquaredNorm) {
        for (var tensor : List.of(master, working, grad, firstMoment, secondMoment, gradSquaredNorm)) {
            zeros.settle(tensor);
        }
        update.finish(); // another model's, which reads the same description of a step
        describe(settings);
        var pass = new Update(this, settings, master, working, grad, firstMoment, secondMoment, gradSquaredNorm);
        if (beside.isEmpty()) {
            pass.alone(Part.WHOLE, 0, master.size());
            return;
        }
        long deferred =
                settings.decayed() / DeferredUpdate.MULTIPLE * DeferredUpdate.MULTIPLE; // the weights of products
        pass.alone(Part.WHOLE, deferred, master.size());
        memory.fill(claims, 0);
        var buffers = new Buffers(List.of(master, working), List.of(firstMoment, secondMoment), List.of(grad));
        update.begin(pass, buffers, deferred);
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
        public void alone(Part part, long from, long to) {
            var kernel = optimizer.alone.get(part);
            buffers(kernel.grid(kernel.blocks(to - from)), from)
                    .with(to - from)
                    .with(settings.decayed() - from)
                    .with(Double.doubleToRawLongBits(settings.clipNorm()))
                    .with(optimizer.step)
                    .launch();
        }

        @Override
        public void besideLast(Part part, int number, long from, long to) {
            buffers(optimizer.beside.get(part).grid(optimizer.multiprocessors), from)
                    .with(Math.toIntExact(to - from))
                    .with(Double.doubleToRawLongBits(settings.clipNorm()))
                    .with(optimizer.step)
                    .with(optimizer.claims.deviceAddress(number))
                    .launchOverlapping();
        }

        private Kernel buffers(Kernel kernel, long from) {
            boolean isMaster = working.deviceAddress() == master.deviceAddress();
            return kernel.with(master.deviceAddress(from))
                    .with(isMaster ? 0 : working.deviceAddress(from))
                    .with(grad.deviceAddress(from))
                    .with(firstMoment.deviceAddress(from))
                    .with(secondMoment.deviceAddress(from))
                    .with(gradSquaredNorm.deviceAddress());
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
