package org.mixtureofmamba.core.nn.mamba;

import java.lang.foreign.Arena;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.nn.FlopCount;
import org.mixtureofmamba.core.nn.Initializer;
import org.mixtureofmamba.core.nn.ModalityLinear;
import org.mixtureofmamba.core.nn.OperationFlops;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * A learned top-1 router over experts (Fedus et al. 2021): p = softmax(W u), each token goes to the expert of the
 * largest p, which is its gate. One router serves all projections of a block, as in Routing Mamba (arXiv 2506.18145).
 * The choice is made on the host, so that the backend knows the experts' slabs; it costs two waits a block.
 */
final class Router {
    private final Backend backend;
    private final ModalityLinear gate;
    private final int experts;
    private final double balance;

    /**
     * @param width D
     * @param balance the weight of the load-balancing loss, {@code M Σ_e f_e P_e} (Fedus et al. 2021, eq. 4)
     */
    Router(Backend backend, Parameters parameters, String prefix, int width, int experts, double balance) {
        this.backend = backend;
        this.experts = experts;
        this.balance = balance;
        var names = ModalityLinear.names(prefix, "router", 1);
        this.gate = new ModalityLinear(backend, parameters, names, width, experts, Initializer.fanIn(width));
    }

    /**
     * Where each token of a batch goes.
     *
     * @param layout with a slab for each expert in place of each modality
     * @param tokenOf the token in each row of the experts' order
     * @param rowOf the row of each token in the experts' order, int32 [T] on the device
     * @param gates [T] on the device, in the accumulation type
     * @param expertOf the expert of each token
     * @param probabilities p, [T, experts] on the host
     */
    record Routes(
            ModalityLayout layout,
            TokenIds tokenOf,
            Tensor rowOf,
            Tensor gates,
            int[] expertOf,
            Tensor probabilities) {}

    /** u [T, D]; waits for the device. */
    Routes route(Tensor u, ModalityLayout layout, Tape tape) {
        var probabilities = softmax(onHost(gate.forward(u, layout, tape)));
        int tokens = layout.tokens();
        var expertOf = new int[tokens];
        var starts = new int[experts + 1];
        var gates = new double[tokens];
        for (int t = 0; t < tokens; t++) {
            for (int e = 1; e < experts; e++) {
                if (probabilities.get(t, e) > probabilities.get(t, expertOf[t])) {
                    expertOf[t] = e;
                }
            }
            gates[t] = probabilities.get(t, expertOf[t]);
            starts[expertOf[t] + 1]++;
        }
        for (int e = 0; e < experts; e++) {
            starts[e + 1] += starts[e];
        }
        var next = starts.clone();
        var rowOf = new int[tokens];
        var tokenOf = new int[tokens];
        for (int t = 0; t < tokens; t++) {
            rowOf[t] = next[expertOf[t]]++;
            tokenOf[rowOf[t]] = t;
        }
        var former = onHost(layout.rowOf());
        var sequence = new int[tokens];
        for (int i = 0; i < tokens; i++) {
            sequence[i] = rowOf[(int) former.get(i / layout.length(), i % layout.length())];
        }
        var routed = new ModalityLayout(
                layout.batch(),
                layout.length(),
                new Slabs(starts),
                upload(Tensor.ofInts(sequence), DType.INT32).reshape(layout.batch(), layout.length()),
                layout.documentStart());
        return new Routes(
                routed,
                new TokenIds.Placed(upload(Tensor.ofInts(tokenOf), DType.INT32), tokens),
                upload(Tensor.ofInts(rowOf), DType.INT32),
                upload(Tensor.ofDoubles(gates), backend.accumulationType()),
                expertOf,
                probabilities);
    }

    /**
     * Adds the router's gradient to gradU [T, D]: through the gates, and of the load-balancing loss.
     *
     * @param gradGates [T]; waits for the device
     */
    void backward(Tensor gradGates, Routes routes, ModalityLayout layout, Tape tape, Tensor gradU, Write write) {
        int tokens = layout.tokens();
        var share = new double[experts];
        for (int expert : routes.expertOf()) {
            share[expert] += 1.0 / tokens;
        }
        var ofGates = onHost(gradGates);
        var gradLogits = Tensor.ofDoubles(new double[tokens * experts]).reshape(tokens, experts);
        var grad = new double[experts];
        for (int t = 0; t < tokens; t++) {
            double mean = 0;
            for (int e = 0; e < experts; e++) {
                grad[e] = balance * experts * share[e] / tokens + (e == routes.expertOf()[t] ? ofGates.get(0, t) : 0);
                mean += grad[e] * routes.probabilities().get(t, e);
            }
            for (int e = 0; e < experts; e++) {
                gradLogits.set(t, e, routes.probabilities().get(t, e) * (grad[e] - mean));
            }
        }
        gate.backward(upload(gradLogits, backend.dtype()), layout, tape, gradU, Write.ADD, write);
    }

    FlopCount flops(long tokens) {
        return gate.flops(tokens).plus(OperationFlops.softmaxGate(tokens, experts));
    }

    private static Tensor softmax(Tensor logits) {
        for (long t = 0; t < logits.rows(); t++) {
            double largest = Double.NEGATIVE_INFINITY;
            for (int e = 0; e < logits.columns(); e++) {
                largest = Math.max(largest, logits.get(t, e));
            }
            double sum = 0;
            for (int e = 0; e < logits.columns(); e++) {
                sum += Math.exp(logits.get(t, e) - largest);
            }
            for (int e = 0; e < logits.columns(); e++) {
                logits.set(t, e, Math.exp(logits.get(t, e) - largest) / sum);
            }
        }
        return logits;
    }

    private Tensor onHost(Tensor tensor) {
        var host = Tensor.onHost(Arena.ofAuto(), DType.FLOAT64, tensor.shape().toArray());
        backend.memory().copy(tensor, host);
        return host;
    }

    private Tensor upload(Tensor host, DType dtype) {
        var tensor = backend.workspace().tensor(dtype, host.shape().toArray());
        backend.memory().copy(host, tensor);
        return tensor;
    }
}
