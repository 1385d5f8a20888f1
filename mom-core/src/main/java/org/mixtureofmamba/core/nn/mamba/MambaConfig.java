package org.mixtureofmamba.core.nn.mamba;

import java.util.EnumSet;
import java.util.Set;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.Block;
import org.mixtureofmamba.core.nn.Parameters;

/**
 * A model of Mamba blocks, dense or a mixture.
 *
 * @param dModel D
 * @param blocks Mamba blocks; two stand where a Transformer has one layer
 * @param vocabulary V
 * @param modalities M; a batch's modalities are 0 .. M-1
 * @param split the projections that have a weight set for each modality; none: dense Mamba, all: Mixture-of-Mamba
 * @param dState N
 * @param dConv K
 * @param expand E / D
 * @param resetAtDocuments whether the state of convolution and scan starts anew at each document of a packed sequence
 * @param normEpsilon added to the mean square in RMSNorm
 * @param outProjScale by what the first weights of out_proj are multiplied
 * @param tieEmbeddings whether the head is the table of the embedding
 */
public record MambaConfig(
        int dModel,
        int blocks,
        int vocabulary,
        int modalities,
        Set<Projection> split,
        int dState,
        int dConv,
        int expand,
        boolean resetAtDocuments,
        double normEpsilon,
        OutProjScale outProjScale,
        boolean tieEmbeddings)
        implements ModelConfig {
    /** How out_proj, whose results the residual sums, is initialised. */
    public enum OutProjScale {
        NONE,
        /** 1 / sqrt(blocks), so that the residual's variance does not grow with depth (mamba_ssm, after GPT-2). */
        SQRT_BLOCKS
    }

    public MambaConfig {
        split = Set.copyOf(split);
        atLeastOne("d_model", dModel);
        atLeastOne("blocks", blocks);
        atLeastOne("vocabulary", vocabulary);
        atLeastOne("modalities", modalities);
        atLeastOne("d_state", dState);
        atLeastOne("d_conv", dConv);
        atLeastOne("expand", expand);
        if (!(normEpsilon > 0)) {
            throw new UserException("norm_epsilon must be above 0, not " + normEpsilon);
        }
    }

    private static void atLeastOne(String key, int value) {
        if (value < 1) {
            throw new UserException("%s must be 1 or more, not %d".formatted(key, value));
        }
    }

    /** Dense Mamba of given sizes, with the block's usual ones. */
    public static MambaConfig dense(int dModel, int blocks, int vocabulary, int modalities) {
        return new MambaConfig(
                dModel, blocks, vocabulary, modalities, Set.of(), 16, 4, 2, true, 1e-5, OutProjScale.NONE, false);
    }

    /** Dense Mamba at a scale. */
    public static MambaConfig dense(Scale scale, int vocabulary, int modalities) {
        return dense(scale.dModel(), scale.blocks(), vocabulary, modalities);
    }

    /** Mixture-of-Mamba of given sizes: all four projections split. */
    public static MambaConfig mixture(int dModel, int blocks, int vocabulary, int modalities) {
        return dense(dModel, blocks, vocabulary, modalities).withSplit(EnumSet.allOf(Projection.class));
    }

    /** Mixture-of-Mamba at a scale. */
    public static MambaConfig mixture(Scale scale, int vocabulary, int modalities) {
        return mixture(scale.dModel(), scale.blocks(), vocabulary, modalities);
    }

    /** A dense model with about as many parameters as a mixture at a scale, and the FLOPs that go with them. */
    public static MambaConfig wide(Scale scale, int vocabulary, int modalities) {
        return dense(scale, vocabulary, modalities).widened();
    }

    /** Every projection of a block as large as all of a mixture's weight sets together: M times the channels. */
    public MambaConfig widened() {
        return withSplit(Set.of()).withSizes(dState, dConv, modalities * expand);
    }

    public MambaConfig withSplit(Set<Projection> projections) {
        return copy(projections, dState, dConv, expand, resetAtDocuments, tieEmbeddings);
    }

    /** N, K and E / D. */
    public MambaConfig withSizes(int state, int conv, int expansion) {
        return copy(split, state, conv, expansion, resetAtDocuments, tieEmbeddings);
    }

    public MambaConfig withReset(boolean atDocuments) {
        return copy(split, dState, dConv, expand, atDocuments, tieEmbeddings);
    }

    public MambaConfig withTiedEmbeddings() {
        return copy(split, dState, dConv, expand, resetAtDocuments, true);
    }

    private MambaConfig copy(
            Set<Projection> projections, int state, int conv, int expansion, boolean reset, boolean tied) {
        return new MambaConfig(
                dModel,
                blocks,
                vocabulary,
                modalities,
                projections,
                state,
                conv,
                expansion,
                reset,
                normEpsilon,
                outProjScale,
                tied);
    }

    /** E. */
    public int dInner() {
        return expand * dModel;
    }

    /** R = ceil(D / 16). */
    public int dtRank() {
        return (dModel + 15) / 16;
    }

    /** How many weight sets a projection has: M if it is split, else 1. */
    public int weightSets(Projection projection) {
        return split.contains(projection) ? modalities : 1;
    }

    /** By what the first weights of a projection are multiplied. */
    double initialScale(Projection projection) {
        return projection == Projection.OUT && outProjScale == OutProjScale.SQRT_BLOCKS ? 1 / Math.sqrt(blocks) : 1;
    }

    @Override
    public Block block(int index, Backend backend, Parameters parameters, String prefix) {
        return new MambaBlock(backend, parameters, prefix, this);
    }
}
