package org.mixtureofmamba.core.nn.mamba;

import java.util.LinkedHashMap;
import java.util.Map;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.nn.Block;
import org.mixtureofmamba.core.nn.BlockCarry;
import org.mixtureofmamba.core.nn.BlockState;
import org.mixtureofmamba.core.nn.FlopCount;
import org.mixtureofmamba.core.nn.OperationFlops;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.RmsNorm;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * x + gate · mixer(norm(x)), where a learned router chooses each token's weights in place of its modality. Inside, rows
 * lie in the order of experts, so the mixer's products are those of a mixture by modality.
 */
public final class RoutedBlock implements Block {
    private final Backend backend;
    private final RmsNorm norm;
    private final Router router;
    private final MambaMixer mixer;
    private final int width;
    /** Tokens by expert and modality since they were last taken. */
    private long[][] load;

    /** @param prefix of the names, as {@code backbone.layers.0.} */
    RoutedBlock(Backend backend, Parameters parameters, String prefix, RoutedConfig config) {
        var mamba = config.mamba();
        this.backend = backend;
        this.width = mamba.dModel();
        this.norm = new RmsNorm(backend, parameters, prefix + "norm", width, mamba.normEpsilon());
        this.router = new Router(backend, parameters, prefix + "mixer.", width, mamba.modalities(), config.balance());
        this.mixer = new MambaMixer(backend, parameters, prefix + "mixer.", mamba);
        this.load = new long[mamba.modalities()][mamba.modalities()];
    }

    @Override
    public Tensor forward(Tensor x, ModalityLayout layout, BlockCarry carry, Tape tape) {
        var u = norm.forward(x, tape);
        var routes = router.route(u, layout, tape);
        count(routes, layout);
        var nothing = rows(x.rows());
        backend.memory().fill(nothing, 0);
        var y = mixer.forwardAdd(gather(u, routes.tokenOf()), nothing, routes.layout(), carry, tape);
        var out = rows(x.rows());
        backend.gatedGatherForward(y, routes.rowOf(), routes.gates(), x, out);
        tape.push(y);
        tape.push(routes);
        return out;
    }

    @Override
    public void backward(
            Tensor grad, ModalityLayout layout, BlockCarry carry, Tape tape, Write write, BlockCarry gradCarry) {
        var routes = tape.pop(Router.Routes.class);
        var y = tape.pop();
        var gradY = rows(grad.rows());
        var gradGates = backend.workspace().tensor(backend.accumulationType(), grad.rows());
        backend.gatedGatherBackward(grad, y, routes.rowOf(), routes.gates(), gradY, gradGates);
        var gradRouted = mixer.backward(gradY, routes.layout(), carry, tape, write, gradCarry);
        var gradU = gather(gradRouted, new TokenIds.Placed(routes.rowOf(), layout.tokens()));
        router.backward(gradGates, routes, layout, tape, gradU, write);
        norm.backwardAdd(gradU, tape, grad, write);
    }

    /** x's rows in another order. */
    private Tensor gather(Tensor x, TokenIds order) {
        var gathered = rows(x.rows());
        backend.embeddingForward(order, x, gathered);
        return gathered;
    }

    private Tensor rows(long count) {
        return backend.workspace().tensor(backend.dtype(), count, width);
    }

    private void count(Router.Routes routes, ModalityLayout layout) {
        var slabs = layout.slabs();
        for (int modality = 0; modality < slabs.count(); modality++) {
            for (int t = slabs.start(modality); t < slabs.end(modality); t++) {
                load[routes.expertOf()[t]][modality]++;
            }
        }
    }

    /** How many tokens of each modality each expert was given. */
    @Override
    public Map<String, Double> takeObservations() {
        var observations = new LinkedHashMap<String, Double>();
        for (int expert = 0; expert < load.length; expert++) {
            for (int modality = 0; modality < load.length; modality++) {
                observations.put(
                        "load.expert_%d.modality_%d".formatted(expert, modality), (double) load[expert][modality]);
            }
        }
        load = new long[load.length][load.length];
        return observations;
    }

    @Override
    public BlockState newState(int batch) {
        return mixer.newState(batch);
    }

    @Override
    public FlopCount flops(long tokens) {
        return norm.flops(tokens)
                .plus(router.flops(tokens))
                .plus(mixer.flops(tokens))
                .plus(OperationFlops.gatedGather(tokens, width));
    }
}
