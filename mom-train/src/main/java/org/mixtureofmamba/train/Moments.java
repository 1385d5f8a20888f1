package org.mixtureofmamba.train;

import java.util.List;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.tensor.Tensor;

/** Adam's running means of gradients and of their squares, flat, laid out as the parameters are. */
final class Moments implements AutoCloseable {
    private final Backend backend;
    private final Tensor first;
    private final Tensor second;

    Moments(Backend backend, Parameters parameters) {
        this.backend = backend;
        var size = parameters.master().shape().toArray();
        this.first = backend.memory().zeros("first moments", backend.accumulationType(), size);
        this.second = backend.memory().zeros("second moments", backend.accumulationType(), size);
    }

    Tensor first() {
        return first;
    }

    Tensor second() {
        return second;
    }

    @Override
    public void close() {
        List.of(first, second).forEach(tensor -> backend.memory().free(tensor.storage()));
    }
}
