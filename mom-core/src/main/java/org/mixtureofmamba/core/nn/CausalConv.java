package org.mixtureofmamba.core.nn;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.Tensor;

/** A causal depthwise convolution over the sequence, then SiLU; shared by all modalities. */
public final class CausalConv {
    private final Backend backend;
    private final Parameter weight;
    private final Parameter bias;

    /**
     * @param width E
     * @param kernel K
     */
    public CausalConv(Backend backend, Parameters parameters, String name, int width, int kernel) {
        this.backend = backend;
        this.weight = parameters.declareSensitive(name + ".weight", Initializer.fanIn(kernel), width, 1, kernel);
        this.bias = parameters.declareSensitive(name + ".bias", Initializer.fanIn(kernel), width);
    }

    /** x [T, E] -> [T, E]. */
    public Tensor forward(Tensor x, ModalityLayout layout, Tape tape) {
        var out = backend.workspace().tensor(backend.dtype(), x.rows(), x.columns());
        backend.causalConvForward(x, weight.value(), bias.value(), layout, out);
        tape.push(x);
        return out;
    }

    /** gradOut [T, E] -> gradX [T, E]. */
    public void backward(Tensor gradOut, ModalityLayout layout, Tape tape, Tensor gradX) {
        var x = tape.pop();
        backend.causalConvBackward(gradOut, x, weight.value(), bias.value(), layout, gradX, weight.grad(), bias.grad());
    }
}
