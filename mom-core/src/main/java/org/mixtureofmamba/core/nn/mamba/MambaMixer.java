package org.mixtureofmamba.core.nn.mamba;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.nn.BlockCarry;
import org.mixtureofmamba.core.nn.BlockState;
import org.mixtureofmamba.core.nn.FlopCount;
import org.mixtureofmamba.core.nn.Initializer;
import org.mixtureofmamba.core.nn.ModalityLinear;
import org.mixtureofmamba.core.nn.OperationFlops;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The Mamba block between norm and residual, with any of its four projections split by modality (Mixture-of-Mamba,
 * arXiv 2501.16295, algorithm 1); with none split it is dense Mamba (Gu &amp; Dao 2023).
 */
public final class MambaMixer {
    /** Which tensor of a state is whose. */
    private static final int CONV = 0;

    private static final int SCAN = 1;

    private final Backend backend;
    private final int dModel;
    private final int dInner;
    private final int dtRank;
    private final int dState;
    private final ModalityLinear inProj;
    private final CausalConv conv;
    private final ModalityLinear xProj;
    private final ModalityLinear dtProj;
    private final SelectiveScan scan;
    private final ModalityLinear outProj;

    /** @param prefix of the official names, as {@code backbone.layers.0.mixer.} */
    public MambaMixer(Backend backend, Parameters parameters, String prefix, MambaConfig config) {
        this.backend = backend;
        this.dModel = config.dModel();
        this.dInner = config.dInner();
        this.dtRank = config.dtRank();
        this.dState = config.dState();
        this.inProj = projection(parameters, prefix, config, Projection.IN, dModel, 2 * dInner);
        this.conv = new CausalConv(backend, parameters, prefix + "conv1d", dInner, config.dConv());
        this.xProj = projection(parameters, prefix, config, Projection.X, dInner, dtRank + 2 * dState);
        this.dtProj = projection(parameters, prefix, config, Projection.DT, dtRank, dInner);
        var dtNames = ModalityLinear.names(prefix, Projection.DT.key(), config.weightSets(Projection.DT));
        this.scan = new SelectiveScan(backend, parameters, prefix, dtNames, dInner, dState);
        this.outProj = projection(parameters, prefix, config, Projection.OUT, dInner, dModel);
    }

    private ModalityLinear projection(
            Parameters parameters, String prefix, MambaConfig config, Projection projection, int in, int out) {
        var names = ModalityLinear.names(prefix, projection.key(), config.weightSets(projection));
        var initializer = Initializer.fanIn(in).times(config.initialScale(projection));
        return new ModalityLinear(backend, parameters, names, in, out, initializer);
    }

    /** u, residual [T, D], rows in modality order -> residual + mixer(u) [T, D]. The tape keeps what backward needs. */
    public Tensor forwardAdd(Tensor u, Tensor residual, ModalityLayout layout, BlockCarry carry, Tape tape) {
        var xz = inProj.forward(u, layout, tape); // [T, 2E]    one product for each modality's slab
        var x = conv.forward(xz.columns(0, dInner), layout, carry.part(CONV), tape); // [T, E]     follows layout.rowOf
        var dbc = xProj.forward(x, layout, tape); // [T, R+2N]
        var dt = dtProj.forward(dbc.columns(0, dtRank), layout, tape); // [T, E]     softplus inside the scan
        var y = scan.forward(x, dt, dbc.from(dtRank), xz.from(dInner), layout, carry.part(SCAN), tape); // [T, E]
        return outProj.forwardAdd(y, residual, layout, tape); // [T, D]     residual in the product's epilogue
    }

    /** gradOut [T, D] -> the gradient of u [T, D]; the residual's gradient is gradOut itself. */
    public Tensor backward(
            Tensor gradOut, ModalityLayout layout, BlockCarry carry, Tape tape, Write write, BlockCarry gradCarry) {
        long tokens = gradOut.rows();
        var gradY = scratch(tokens, dInner);
        outProj.backward(gradOut, layout, tape, gradY, Write.OVERWRITE, write);
        var gradX = scratch(tokens, dInner);
        var gradDt = scratch(tokens, dInner);
        var gradDbc = scratch(tokens, dtRank + 2L * dState);
        var gradXz = scratch(tokens, 2L * dInner);
        var gradBc = gradDbc.from(dtRank);
        var gradZ = gradXz.from(dInner);
        scan.backward(gradY, layout, carry.part(SCAN), tape, gradX, gradDt, gradBc, gradZ, write, gradCarry.part(SCAN));
        dtProj.backward(gradDt, layout, tape, gradDbc.columns(0, dtRank), Write.OVERWRITE, write);
        xProj.backward(gradDbc, layout, tape, gradX, Write.ADD, write);
        var gradInput = gradXz.columns(0, dInner);
        conv.backward(gradX, layout, carry.part(CONV), tape, gradInput, write, gradCarry.part(CONV));
        var gradU = scratch(tokens, gradOut.columns());
        inProj.backward(gradXz, layout, tape, gradU, Write.OVERWRITE, write);
        return gradU;
    }

    BlockState newState(int batch) {
        return new BlockState(conv.newState(batch), scan.newState(batch));
    }

    FlopCount flops(long tokens) {
        return inProj.flops(tokens)
                .plus(conv.flops(tokens))
                .plus(xProj.flops(tokens))
                .plus(dtProj.flops(tokens))
                .plus(scan.flops(tokens))
                .plus(outProj.flops(tokens))
                .plus(OperationFlops.residual(tokens, dModel));
    }

    private Tensor scratch(long rows, long columns) {
        return backend.workspace().tensor(backend.dtype(), rows, columns);
    }
}
