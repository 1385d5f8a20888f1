package org.mixtureofmamba.core.backend;

/** Updates done at once, which therefore need not be told what a step does. */
record ImmediateUpdate(UpdateOps operations, TrainedBuffers buffers, Memory memory) implements Update {
    @Override
    public void step(AdamW settings) {
        operations.squaredNorm(buffers.grad(), buffers.gradSquaredNorm());
        operations.adamW(settings, buffers);
    }

    @Override
    public void rehearse(AdamW settings) {
        operations.squaredNorm(buffers.grad(), buffers.gradSquaredNorm());
        buffers.makeNormInfinite(memory);
        operations.adamW(settings, buffers);
    }

    @Override
    public void weightsNeeded(Span weights) {}

    @Override
    public void gradientsOverwritten(Span gradients) {}

    @Override
    public void gradientsFinal(Span gradients) {}

    @Override
    public void finish() {}

    @Override
    public void close() {}
}
