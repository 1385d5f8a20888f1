package org.mixtureofmamba.core.nn;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.tensor.Tensor;

/** x + mixer(norm(x)). */
public final class MambaBlock {
    private final RmsNorm norm;
    private final MambaMixer mixer;

    /** @param prefix of the official names, as {@code backbone.layers.0.} */
    public MambaBlock(Backend backend, Parameters parameters, String prefix, ModelConfig config) {
        this.norm = new RmsNorm(backend, parameters, prefix + "norm", config.dModel(), config.normEpsilon());
        this.mixer = new MambaMixer(backend, parameters, prefix + "mixer.", config);
    }

    /** x [T, D] -> [T, D]. */
    public Tensor forward(Tensor x, ModalityLayout layout, Tape tape) {
        var u = norm.forward(x, tape);
        return mixer.forwardAdd(u, x, layout, tape);
    }

    /** Turns the gradient of the block's output [T, D] into that of its input, in place. */
    public void backward(Tensor grad, ModalityLayout layout, Tape tape) {
        var gradU = mixer.backward(grad, layout, tape);
        norm.backwardAdd(gradU, tape, grad);
    }
}
