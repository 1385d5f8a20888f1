package org.mixtureofmamba.core.backend;

import org.mixtureofmamba.core.tensor.Tensor;

/**
 * What training a model changes, each flat and laid out alike.
 *
 * @param master weights, in the accumulation type
 * @param working their copy in the type of activations; the master itself where the types are equal
 * @param grad in the accumulation type
 * @param firstMoment in the accumulation type
 * @param secondMoment in the accumulation type
 * @param gradSquaredNorm float64 [1], of the last step
 * @param decayed how many elements from the start weight decay applies to
 */
public record TrainedBuffers(
        Tensor master,
        Tensor working,
        Tensor grad,
        Tensor firstMoment,
        Tensor secondMoment,
        Tensor gradSquaredNorm,
        long decayed) {
    /** So that an update changes nothing. */
    public void makeNormInfinite(Memory memory) {
        memory.copy(Tensor.ofDoubles(Double.POSITIVE_INFINITY), gradSquaredNorm);
    }
}
