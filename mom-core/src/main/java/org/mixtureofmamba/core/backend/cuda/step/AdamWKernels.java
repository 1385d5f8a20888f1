package org.mixtureofmamba.core.backend.cuda.step;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.backend.cuda.driver.CudaDevice;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.step.UpdatePass.Written;
import org.mixtureofmamba.core.tensor.Tensor;

/** AdamW over parts of flat buffers: adamw.cu on the whole card, adamw_beside.cu beside a scan. */
public final class AdamWKernels {
    private final Map<Written, Kernel> alone;
    /** Empty where the card lacks their means. */
    private final Map<Written, Kernel> beside;

    private final int multiprocessors;
    /** {@code struct Step} of adamw.cuh; the driver has read it when a launch returns. */
    private final MemorySegment step = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, 7);

    public AdamWKernels(Kernels kernels, CudaDevice device) {
        var module = kernels.module("adamw.cu");
        this.alone = Map.of(
                Written.WHOLE, module.kernel("adamW"),
                Written.MOMENTS, module.kernel("adamWMoments"));
        this.beside = CudaDevice.overlapsKernels(device.architecture())
                ? beside(kernels.module("adamw_beside.cu"))
                : Map.of();
        this.multiprocessors = device.multiprocessors();
    }

    private static Map<Written, Kernel> beside(Kernels.Module module) {
        return Map.of(
                Written.WHOLE, module.kernel("adamWBeside"),
                Written.WEIGHTS, module.kernel("adamWWeightsBeside"),
                Written.MOMENTS, module.kernel("adamWMomentsBeside"));
    }

    /** Whether a part can run beside a scan. */
    public boolean runBeside() {
        return !beside.isEmpty();
    }

    /** One step over all of a model, at once. */
    public void whole(AdamW settings, TrainedBuffers buffers) {
        alone(Written.WHOLE, settings, buffers, 0, buffers.master().size());
    }

    void alone(Written written, AdamW settings, TrainedBuffers buffers, long from, long to) {
        var kernel = alone.get(written);
        arguments(kernel.grid(kernel.blocks(to - from)), buffers, from)
                .with(to - from)
                .with(buffers.decayed() - from)
                .with(Double.doubleToRawLongBits(settings.clipNorm()))
                .with(describe(settings))
                .launch();
    }

    /** @param claim int32 [1], zero, from which the blocks claim their tiles */
    void besideLast(Written written, AdamW settings, TrainedBuffers buffers, long from, long to, long claim) {
        arguments(beside.get(written).grid(multiprocessors), buffers, from)
                .with(Math.toIntExact(to - from))
                .with(Double.doubleToRawLongBits(settings.clipNorm()))
                .with(describe(settings))
                .with(claim)
                .launchOverlapping();
    }

    private static Kernel arguments(Kernel kernel, TrainedBuffers buffers, long from) {
        Tensor master = buffers.master();
        Tensor working = buffers.working();
        return kernel.with(master.deviceAddress(from))
                .with(working == master ? 0 : working.deviceAddress(from))
                .with(buffers.grad().deviceAddress(from))
                .with(buffers.firstMoment().deviceAddress(from))
                .with(buffers.secondMoment().deviceAddress(from))
                .with(buffers.gradSquaredNorm().deviceAddress());
    }

    private MemorySegment describe(AdamW settings) {
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 0, (float) settings.learningRate());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 1, (float) settings.beta1());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 2, (float) settings.beta2());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 3, (float) settings.epsilon());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 4, (float) settings.weightDecay());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 5, (float) (1 / (1 - Math.pow(settings.beta1(), settings.step()))));
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 6, (float) (1 / (1 - Math.pow(settings.beta2(), settings.step()))));
        return step;
    }
}
