package org.mixtureofmamba.core.nn.mamba;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.nn.Block;
import org.mixtureofmamba.core.nn.BlockCarry;
import org.mixtureofmamba.core.nn.BlockState;
import org.mixtureofmamba.core.nn.FlopCount;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.RmsNorm;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.tensor.Tensor;

/** x + mixer(norm(x)). */
public final class MambaBlock implements Block {
    private final RmsNorm norm;
    private final MambaMixer mixer;

    /** @param prefix of the official names, as {@code backbone.layers.0.} */
    public MambaBlock(Backend backend, Parameters parameters, String prefix, MambaConfig config) {
        this.norm = new RmsNorm(backend, parameters, prefix + "norm", config.dModel(), config.normEpsilon());
        this.mixer = new MambaMixer(backend, parameters, prefix + "mixer.", config);
    }

    @Override
    public Tensor forward(Tensor x, ModalityLayout layout, BlockCarry carry, Tape tape) {
        var u = norm.forward(x, tape);
        return mixer.forwardAdd(u, x, layout, carry, tape);
    }

    @Override
    public void backward(
            Tensor grad, ModalityLayout layout, BlockCarry carry, Tape tape, Write write, BlockCarry gradCarry) {
        var gradU = mixer.backward(grad, layout, carry, tape, write, gradCarry);
        norm.backwardAdd(gradU, tape, grad, write);
    }

    @Override
    public BlockState newState(int batch) {
        return mixer.newState(batch);
    }

    @Override
    public FlopCount flops(long tokens) {
        return norm.flops(tokens).plus(mixer.flops(tokens));
    }
}
