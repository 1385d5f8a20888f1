package org.mixtureofmamba.core.nn;

import java.util.Arrays;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityCounts;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** A head [V, D] over all rows and the cross-entropy of the next token, in nats a token, by the target's modality. */
public final class NextToken implements Objective {
    private final Backend backend;
    private final Parameter head;
    private final Tensor lossSums;
    private long[] lossTokens;

    /** @param head a parameter of its own, or the table of the embedding */
    public NextToken(Backend backend, Parameter head, int modalities) {
        this.backend = backend;
        this.head = head;
        this.lossSums = backend.memory().zeros("losses", DType.FLOAT64, modalities);
        this.lossTokens = new long[modalities];
    }

    @Override
    public void forward(Tensor u, TokenBatch batch) {
        backend.crossEntropyForward(u, head.value(), batch.targets(), batch.targetModality(), lossSums);
        count(batch);
    }

    @Override
    public void forwardBackward(Tensor u, TokenBatch batch, double scale, Tensor gradU, Write write) {
        backend.crossEntropyForwardBackward(
                u, head.value(), batch.targets(), batch.targetModality(), scale, lossSums, gradU, head.grad(), write);
        count(batch);
    }

    private void count(TokenBatch batch) {
        for (int m = 0; m < lossTokens.length; m++) {
            lossTokens[m] += batch.lossTokens().of(m);
        }
    }

    @Override
    public Losses takeLosses() {
        var sums = Tensor.ofDoubles(new double[lossTokens.length]);
        backend.memory().copy(lossSums, sums);
        backend.memory().fill(lossSums, 0);
        var losses = new Losses(Arrays.stream(sums.toDoubles()).boxed().toList(), new ModalityCounts(lossTokens));
        lossTokens = new long[lossTokens.length];
        return losses;
    }

    @Override
    public FlopCount flops(long tokens) {
        int vocabulary = Math.toIntExact(head.shape().rows());
        return OperationFlops.linear(tokens, head.shape().columns(), vocabulary)
                .plus(OperationFlops.crossEntropy(tokens, vocabulary));
    }

    @Override
    public void close() {
        backend.memory().free(lossSums.storage());
    }
}
