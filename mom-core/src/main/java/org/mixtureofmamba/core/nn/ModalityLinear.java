package org.mixtureofmamba.core.nn;

import java.util.List;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * A projection without bias: x · Wᵀ, W one for all tokens or one for each modality. Rows are in modality order, so each
 * W meets one slab.
 */
public final class ModalityLinear {
    private final Backend backend;
    private final List<Parameter> weights;
    private final int outFeatures;

    /**
     * @param weightSets 1, or the number of modalities
     * @param names the official name of each weight set's module, without {@code .weight}
     */
    public ModalityLinear(
            Backend backend,
            Parameters parameters,
            List<String> names,
            int inFeatures,
            int outFeatures,
            Initializer initializer) {
        this.backend = backend;
        this.outFeatures = outFeatures;
        this.weights = names.stream()
                .map(name -> parameters.declare(name + ".weight", initializer, outFeatures, inFeatures))
                .toList();
    }

    /**
     * The official names of a projection's weight sets: {@code in_proj}, or {@code local_experts_in_proj.0},
     * {@code .1}, ...
     */
    public static List<String> names(String prefix, String projection, int weightSets) {
        return weightSets == 1
                ? List.of(prefix + projection)
                : IntStream.range(0, weightSets)
                        .mapToObj(m -> prefix + "local_experts_" + projection + "." + m)
                        .toList();
    }

    /** x [T, in] -> [T, out]. */
    public Tensor forward(Tensor x, ModalityLayout layout, Tape tape) {
        var out = backend.workspace().tensor(backend.dtype(), x.rows(), outFeatures);
        backend.linearForward(x, values(), layout.slabsFor(weights.size()), out);
        tape.push(x);
        return out;
    }

    /** x [T, in], residual [T, out] -> residual + x · Wᵀ. */
    public Tensor forwardAdd(Tensor x, Tensor residual, ModalityLayout layout, Tape tape) {
        var out = backend.workspace().tensor(backend.dtype(), x.rows(), outFeatures);
        backend.linearForwardAdd(x, values(), layout.slabsFor(weights.size()), residual, out);
        tape.push(x);
        return out;
    }

    /**
     * gradOut [T, out] -> gradX [T, in].
     *
     * @param writeX what is done with gradX
     * @param write what is done with the gradients of the weights; those of a modality that is absent no product writes
     */
    public void backward(Tensor gradOut, ModalityLayout layout, Tape tape, Tensor gradX, Write writeX, Write write) {
        var x = tape.pop();
        var slabs = layout.slabsFor(weights.size());
        backend.linearBackward(gradOut, x, values(), slabs, gradX, writeX, grads(), write);
        for (int slab = 0; slab < slabs.count(); slab++) {
            if (write == Write.OVERWRITE && slabs.size(slab) == 0) {
                backend.memory().fill(weights.get(slab).grad(), 0);
            }
        }
    }

    public FlopCount flops(long tokens) {
        return OperationFlops.linear(tokens, weights.getFirst().shape().columns(), outFeatures);
    }

    private List<Tensor> values() {
        return weights.stream().map(Parameter::value).toList();
    }

    private List<Tensor> grads() {
        return weights.stream().map(Parameter::grad).toList();
    }
}
