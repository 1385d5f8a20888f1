package org.mixtureofmamba.core.backend;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The coarse operations a model is made of, each forward beside its backward. Activations are rows [T, columns] in
 * modality order (see {@link ModalityLayout}) of type {@link #dtype()}; parameters that are few but sensitive (norm
 * weights, A, D, biases), all gradients of parameters, and sums are of type {@link #accumulationType()}. Gradients of
 * activations are overwritten and gradients of parameters accumulate, unless an operation says otherwise. Shapes: B
 * batch, L sequence, T = B·L, D model, E inner, N state, K convolution, V vocabulary, M modalities.
 *
 * <p>Calls may return before the device is done; {@link Memory#copy} to host memory waits for what it reads. The same
 * calls on the same inputs give the same bits. Not for use by several threads.
 */
public interface Backend extends AutoCloseable {
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
     * The batch where the operations below can read it. The copy may still be under way, unseen; what is returned lives
     * until the call after the next, so that one batch can travel while another is worked on.
     */
    TokenBatch place(TokenBatch batch);

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

    // --- embedding
    // -----------------------------------------------------------------------------------------------------------------

    /** out[t] = table[ids[t]]; ids int32 [T], table [V, D], out [T, D]. */
    void embeddingForward(Tensor ids, Tensor table, Tensor out);

    /** gradTable[ids[t]] += gradOut[t], in a fixed order. */
    void embeddingBackward(Tensor ids, Tensor gradOut, Tensor gradTable);

    // --- normalisation (Zhang & Sennrich 2019)
    // -------------------------------------------------------------------------------------

    /** out = x / sqrt(mean(x²) + epsilon) · weight; x, out [T, D], weight [D]; inverseRms [T] is kept for backward. */
    void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms);

    /** gradX [T, D] accumulates (the residual's gradient is already there), gradWeight [D] accumulates. */
    void rmsNormBackward(Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight);

    // --- projections: one matrix product for each slab of rows
    // ---------------------------------------------------------------------

    /**
     * out = x · weights[slab]ᵀ on the rows of each slab; x [T, in], weights [outFeatures, in] a slab, out [T,
     * outFeatures].
     */
    void linearForward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out);

    /** out = residual + x · weights[slab]ᵀ; residual [T, outFeatures], which may be {@code out} itself. */
    void linearForwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out);

    /** gradX = gradOut · weights[slab], overwritten or added to; gradWeights[slab] += gradOutᵀ · x. */
    void linearBackward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights);

    // --- sequence operations: follow layout.rowOf, start anew at document starts
    // ----------------------------------------------------

    /**
     * out = SiLU(bias + Σ_k weight[·, k] · x[l - (K-1) + k]), causal and depthwise; x, out [T, E], weight [E, K], bias
     * [E].
     */
    void causalConvForward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Tensor out);

    void causalConvBackward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias);

    /**
     * dt = softplus(dt + dtBias); h[l] = exp(dt·A) h[l-1] + (dt·x) B; y = (h·C + D·x) · SiLU(z) (Gu &amp; Dao 2023, eq.
     * 2, with the gate fused).
     *
     * @param y [T, E], overwritten
     * @return what backward needs, taken from {@link #workspace()}
     */
    Tensor selectiveScanForward(ScanInputs inputs, ModalityLayout layout, Tensor y);

    /**
     * @param y as {@link #selectiveScanForward} wrote it
     * @param states what it returned
     */
    void selectiveScanBackward(
            Tensor gradY, ScanInputs inputs, ModalityLayout layout, Tensor y, Tensor states, ScanGradients gradients);

    // --- head and loss
    // -------------------------------------------------------------------------------------------------------------

    /**
     * Cross-entropy of logits = x · headᵀ against the targets, without keeping the logits: lossSums[m] += Σ over the
     * tokens whose target is of modality m, in nats.
     *
     * @param x [T, D]
     * @param head [V, D]
     * @param targets int32 [T]
     * @param targetModality int32 [T], -1 for no loss
     * @param lossSums float64 [M]
     */
    void crossEntropyForward(Tensor x, Tensor head, Tensor targets, Tensor targetModality, Tensor lossSums);

    /**
     * The same and at once its backward, since logits are not kept: the gradients of {@code scale · Σ loss}.
     *
     * @param gradX [T, D], overwritten
     * @param gradHead [V, D], accumulates
     */
    void crossEntropyForwardBackward(
            Tensor x,
            Tensor head,
            Tensor targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead);

    // --- optimizer: one pass each over flat buffers
    // --------------------------------------------------------------------------------

    /** out float64 [1] = Σ values², in a fixed order. */
    void squaredNorm(Tensor values, Tensor out);

    /**
     * Updates master weights, their working copy (which may be the master itself) and the moments; changes nothing
     * where the gradients' norm is not finite.
     *
     * @param gradSquaredNorm float64 [1], as {@link #squaredNorm} leaves it
     */
    void adamW(
            AdamW settings,
            Tensor master,
            Tensor working,
            Tensor grad,
            Tensor firstMoment,
            Tensor secondMoment,
            Tensor gradSquaredNorm);

    /** Waits until the device has done all that was asked. */
    void synchronize();

    @Override
    void close();
}
