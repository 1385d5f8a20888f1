package org.mixtureofmamba.core.nn;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.Tensor;

/** The rows of a table that stand for tokens, V x D. */
public final class TokenEmbedding {
    private static final double DEVIATION = 0.02;

    private final Backend backend;
    private final Parameter table;

    public TokenEmbedding(Backend backend, Parameters parameters, String name, int vocabulary, int width) {
        this.backend = backend;
        this.table = parameters.declare(name + ".weight", Initializer.normal(DEVIATION), vocabulary, width);
    }

    /** The table itself, for a head that shares it. */
    public Parameter table() {
        return table;
    }

    /** @return [T, D] */
    public Tensor forward(TokenBatch batch) {
        var x = backend.workspace()
                .tensor(backend.dtype(), batch.layout().tokens(), table.shape().columns());
        backend.embeddingForward(batch.inputs(), table.value(), x);
        return x;
    }

    /** @param write what is said of the whole table, most of whose rows no token of a batch names */
    public void backward(TokenBatch batch, Tensor grad, Write write) {
        if (write == Write.OVERWRITE) {
            backend.memory().fill(table.grad(), 0);
        }
        backend.embeddingBackward(batch.inputs(), grad, table.grad());
    }

    public FlopCount flops(long tokens) {
        return OperationFlops.embedding(tokens, table.shape().columns());
    }
}
