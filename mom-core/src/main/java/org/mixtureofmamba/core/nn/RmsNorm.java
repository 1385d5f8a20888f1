package org.mixtureofmamba.core.nn;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.tensor.Tensor;

/** x / rms(x) · weight, row by row (Zhang &amp; Sennrich 2019). */
public final class RmsNorm {
    private final Backend backend;
    private final Parameter weight;
    private final double epsilon;

    /** @param width D */
    public RmsNorm(Backend backend, Parameters parameters, String name, int width, double epsilon) {
        this.backend = backend;
        this.epsilon = epsilon;
        this.weight = parameters.declareSensitive(name + ".weight", Initializer.constant(1), width);
    }

    /** x [T, D] -> [T, D]. */
    public Tensor forward(Tensor x, Tape tape) {
        var out = backend.workspace().tensor(backend.dtype(), x.rows(), x.columns());
        var inverseRms = backend.workspace().tensor(backend.accumulationType(), x.rows());
        backend.rmsNormForward(x, weight.value(), epsilon, out, inverseRms);
        tape.push(x);
        tape.push(inverseRms);
        return out;
    }

    /**
     * Adds the gradient of x to gradX [T, D].
     *
     * @param write what is done with the gradient of the weight
     */
    public void backwardAdd(Tensor gradOut, Tape tape, Tensor gradX, Write write) {
        var inverseRms = tape.pop();
        var x = tape.pop();
        backend.rmsNormBackward(gradOut, x, weight.value(), inverseRms, gradX, weight.grad(), write);
    }

    public FlopCount flops(long tokens) {
        return OperationFlops.rmsNorm(tokens, weight.shape().columns());
    }
}
