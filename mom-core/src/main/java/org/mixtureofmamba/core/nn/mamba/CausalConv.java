package org.mixtureofmamba.core.nn.mamba;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.nn.FlopCount;
import org.mixtureofmamba.core.nn.Initializer;
import org.mixtureofmamba.core.nn.OperationFlops;
import org.mixtureofmamba.core.nn.Parameter;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.tensor.Tensor;

/** A causal depthwise convolution over the sequence, then SiLU; shared by all modalities. */
final class CausalConv {
    private final Backend backend;
    private final Parameter weight;
    private final Parameter bias;
    private final int width;
    private final int kernel;

    /**
     * @param width E
     * @param kernel K
     */
    CausalConv(Backend backend, Parameters parameters, String name, int width, int kernel) {
        this.backend = backend;
        this.width = width;
        this.kernel = kernel;
        this.weight = parameters.declareSensitiveDecayed(name + ".weight", Initializer.fanIn(kernel), width, 1, kernel);
        this.bias = parameters.declareSensitive(name + ".bias", Initializer.fanIn(kernel), width);
    }

    /** x [T, E] -> [T, E]. */
    Tensor forward(Tensor x, ModalityLayout layout, Carry carry, Tape tape) {
        var out = backend.workspace().tensor(backend.dtype(), x.rows(), x.columns());
        backend.causalConvForward(x, weight.value(), bias.value(), layout, carry, out);
        tape.push(x);
        return out;
    }

    /** gradOut [T, E] -> gradX [T, E]. */
    void backward(
            Tensor gradOut, ModalityLayout layout, Carry carry, Tape tape, Tensor gradX, Write write, Carry gradCarry) {
        var x = tape.pop();
        backend.causalConvBackward(
                gradOut,
                x,
                weight.value(),
                bias.value(),
                layout,
                carry,
                gradX,
                weight.grad(),
                bias.grad(),
                write,
                gradCarry);
    }

    /** Its K-1 last inputs, [B, K-1, E]. */
    Tensor newState(int batch) {
        return backend.memory().zeros("recurrent state", backend.dtype(), batch, kernel - 1L, width);
    }

    FlopCount flops(long tokens) {
        return OperationFlops.conv(tokens, width, kernel).plus(OperationFlops.silu(tokens, width));
    }
}
