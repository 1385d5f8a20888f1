package org.mixtureofmamba.core.backend;

import java.util.Map;
import java.util.OptionalDouble;

import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.DType;

/**
 * The coarse operations a model is made of, each forward beside its backward, and the memory they work in. Activations
 * are rows [T, columns] in modality order (see {@link org.mixtureofmamba.core.modality.ModalityLayout}) of type
 * {@link #dtype()}; parameters that are few but sensitive (norm weights, convolutions, A, D, biases), all gradients of
 * parameters, and sums are of type {@link #accumulationType()}. Gradients of activations are overwritten unless an
 * operation says otherwise; of gradients of parameters the caller says by {@link Write}. Shapes: B batch, L sequence, T
 * = B·L, D model, E inner, N state, K convolution, V vocabulary, M modalities.
 *
 * <p>Calls may return before the device is done; {@link Memory#copy} to host memory waits for what it reads. The same
 * calls on the same inputs give the same bits. Not for use by several threads.
 */
public interface Backend
        extends EmbeddingOps, NormOps, LinearOps, ConvOps, ScanOps, LossOps, RoutingOps, UpdateOps, AutoCloseable {
    /** As on the command line: {@code reference}, {@code cpu} or {@code cuda}. */
    String name();

    /** The type of activations and of the weights of matrix products. */
    DType dtype();

    /** The type of master weights, optimizer state, gradients of parameters, norm statistics and scan state. */
    DType accumulationType();

    Memory memory();

    /** The memory of one step. */
    Workspace workspace();

    /**
     * Sends a batch to where the operations read it. The copy may still be under way while another batch is worked on.
     */
    PlacedBatch place(TokenBatch batch);

    /** The matrix-product rate this device can reach, in floating-point operations a second, where it is known. */
    OptionalDouble peakFlopsPerSecond();

    /**
     * Joules the device has used since some fixed moment, where it has a meter of its own, whose readings may be a
     * tenth of a second old.
     */
    default OptionalDouble energyJoules() {
        return OptionalDouble.empty();
    }

    /** What it runs on, in words, by {@code device}, {@code driver} and the like: for the record of a run. */
    default Map<String, String> description() {
        return Map.of();
    }

    /** Waits until the device has done all that was asked. */
    void synchronize();

    @Override
    void close();
}
