package org.mixtureofmamba.core.backend;

import java.util.List;

import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

/** Projections: one matrix product for each slab of rows. A slab may be empty; then its weights are not read. */
public interface LinearOps {
    /**
     * out = x · weights[slab]ᵀ on the rows of each slab.
     *
     * @param x [T, in]
     * @param weights [out, in] a slab
     * @param out [T, out]
     */
    void linearForward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out);

    /**
     * out = residual + x · weights[slab]ᵀ.
     *
     * @param residual [T, out], which may be {@code out} itself
     */
    void linearForwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out);

    /**
     * gradX = gradOut · weights[slab], and gradWeights[slab] = gradOutᵀ · x, each overwritten or added to. The gradient
     * of an empty slab's weights is left as it is, also by {@link Write#OVERWRITE}: whoever asks for that zeroes it.
     */
    void linearBackward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights,
            Write writeWeights);
}
