package org.mixtureofmamba.core.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** The squared norm of the gradients and AdamW, one pass each: squared_norm.cu, adamw.cu. */
final class Optimizer {
    private final Kernel partial;
    private final Kernel finish;
    private final Kernel adamW;
    private final Tensor partials;
    /** {@code struct Step} of adamw.cu. */
    private final MemorySegment step = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, 7);

    Optimizer(Kernels kernels, DeviceMemory memory) {
        var norm = kernels.module("squared_norm.cu");
        this.partial = norm.kernel("squaredNormPartial");
        this.finish = norm.kernel("squaredNormFinish");
        this.adamW = kernels.module("adamw.cu").kernel("adamW");
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
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 0, (float) settings.learningRate());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 1, (float) settings.beta1());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 2, (float) settings.beta2());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 3, (float) settings.epsilon());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 4, (float) settings.weightDecay());
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 5, (float) (1 / (1 - Math.pow(settings.beta1(), settings.step()))));
        step.setAtIndex(ValueLayout.JAVA_FLOAT, 6, (float) (1 / (1 - Math.pow(settings.beta2(), settings.step()))));
        boolean isMaster = working.deviceAddress() == master.deviceAddress();
        adamW.grid(adamW.blocks(master.size()))
                .with(master)
                .with(isMaster ? Optional.empty() : Optional.of(working))
                .with(grad)
                .with(firstMoment)
                .with(secondMoment)
                .with(gradSquaredNorm)
                .with(master.size())
                .with(settings.decayed())
                .with(Double.doubleToRawLongBits(settings.clipNorm()))
                .with(step)
                .launch();
    }
}
