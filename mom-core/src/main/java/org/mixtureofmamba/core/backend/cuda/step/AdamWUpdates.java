package org.mixtureofmamba.core.backend.cuda.step;

import java.util.List;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.backend.Update;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The updates of one model whose large part hides in the step that follows, and the norm of gradients that hides with
 * it.
 */
public final class AdamWUpdates implements Update {
    private final StepWork work;
    private final CudaStream stream;
    private final DeviceMemory memory;
    private final GradientNorm norm;
    private final AdamWKernels kernels;
    private final TrainedBuffers buffers;
    private final FinalGradients gradients = new FinalGradients();
    private final PutOffUpdate update;
    /** Of tiles, one for each part beside a scan. */
    private final Tensor claims;

    private final long putOff;
    private AdamW settings = new AdamW(1, 0, 0, 0, 1, 0, 0);

    /** @param parts of the weights that decay, in the order in which forward needs them and they lie */
    public AdamWUpdates(
            StepWork work,
            CudaStream stream,
            DeviceMemory memory,
            GradientNorm norm,
            AdamWKernels kernels,
            TrainedBuffers buffers,
            List<Span> parts) {
        this.work = work;
        this.stream = stream;
        this.memory = memory;
        this.norm = norm;
        this.kernels = kernels;
        this.buffers = buffers;
        this.putOff = buffers.decayed() / UpdatePass.MULTIPLE * UpdatePass.MULTIPLE;
        this.update = new PutOffUpdate(new Pass(), List.copyOf(parts), putOff);
        this.claims = memory.zeros("sums", DType.INT32, UpdatePass.MOST_BESIDE);
    }

    private final class Pass implements UpdatePass {
        @Override
        public void alone(Written written, long from, long to) {
            kernels.alone(written, settings, buffers, from, to);
        }

        @Override
        public void besideLast(Written written, int number, long from, long to) {
            kernels.besideLast(written, settings, buffers, from, to, claims.deviceAddress(number));
        }
    }

    @Override
    public void step(AdamW of) {
        finish();
        sumSquares();
        begin(of);
    }

    @Override
    public void rehearse(AdamW of) {
        finish();
        sumSquares();
        buffers.makeNormInfinite(memory);
        begin(of);
    }

    private void sumSquares() {
        norm.of(buffers.grad(), gradients, buffers.gradSquaredNorm());
        gradients.begin();
    }

    private void begin(AdamW of) {
        settings = of;
        kernels.alone(
                UpdatePass.Written.WHOLE,
                settings,
                buffers,
                putOff,
                buffers.master().size());
        memory.fill(claims, 0);
        update.begin();
    }

    @Override
    public void weightsNeeded(Span weights) {
        work.begin(this);
        update.weightsNeeded(weights);
    }

    @Override
    public void gradientsOverwritten(Span part) {
        if (gradients.holds(part)) {
            gradients.begin(); // another pass over the model before any step
        }
        update.gradientsOverwritten(part);
    }

    @Override
    public void gradientsFinal(Span part) {
        gradients.add(part);
    }

    void besideForward(long elements) {
        update.besideForward(elements);
    }

    void besideBackward(long elements) {
        gradients.takeUnsummed().ifPresent(part -> norm.besideLast(buffers.grad(), part, gradients.sums() - 1));
        update.besideBackward(elements);
    }

    @Override
    public void finish() {
        update.finish();
    }

    @Override
    public void close() {
        work.end(this);
        finish();
        stream.synchronize();
        memory.free(claims.storage());
    }
}
