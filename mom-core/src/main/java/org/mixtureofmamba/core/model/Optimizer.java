package org.mixtureofmamba.core.model;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.StepSchedule;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.backend.Update;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * AdamW over a model's parameters, with its moments. It listens to the model's steps, in which a backend may hide it.
 */
public final class Optimizer implements AutoCloseable {
    private final Backend backend;
    private final Model model;
    private final TrainedBuffers buffers;
    private final Update update;

    /** With moments of zero; call {@code firstMoment()} and {@code secondMoment()} to load others. */
    public Optimizer(Backend backend, Model model) {
        this.backend = backend;
        this.model = model;
        var parameters = model.parameters();
        var memory = backend.memory();
        var extents = parameters.master().shape().toArray();
        this.buffers = new TrainedBuffers(
                parameters.master(),
                parameters.working(),
                parameters.grad(),
                memory.zeros("first moments", backend.accumulationType(), extents),
                memory.zeros("second moments", backend.accumulationType(), extents),
                memory.zeros("gradient norm", DType.FLOAT64, 1),
                parameters.decayed());
        this.update = backend.updates(buffers, model.parts());
        model.tell(update);
    }

    /** One step on the gradients that the model's last {@code forwardBackward} has completed. */
    public void step(AdamW settings) {
        update.step(settings);
    }

    /** A step that takes as long as any and changes nothing. */
    public void rehearse(AdamW settings) {
        update.rehearse(settings);
    }

    /** Of the last step, before clipping; waits for the device. */
    public double gradNorm() {
        var squared = Tensor.ofDoubles(0);
        backend.memory().copy(buffers.gradSquaredNorm(), squared);
        return Math.sqrt(squared.get(0, 0));
    }

    /**
     * Gives the device all that is left of the last step: before weights or moments are read by anything but the model.
     */
    public void finish() {
        update.finish();
    }

    /** Flat, laid out as the parameters are; {@link #finish} first. */
    public Tensor firstMoment() {
        return buffers.firstMoment();
    }

    /** Flat, laid out as the parameters are; {@link #finish} first. */
    public Tensor secondMoment() {
        return buffers.secondMoment();
    }

    /** To be closed before its model. */
    @Override
    public void close() {
        model.tell(StepSchedule.NONE);
        update.close();
        var memory = backend.memory();
        memory.free(buffers.firstMoment().storage());
        memory.free(buffers.secondMoment().storage());
        memory.free(buffers.gradSquaredNorm().storage());
    }
}
