package org.mixtureofmamba.core.model;

import java.util.EnumSet;
import java.util.Set;

import org.mixtureofmamba.core.UserException;

/**
 * What a model is made of.
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
 */
public record ModelConfig(
        int dModel,
        int blocks,
        int vocabulary,
        int modalities,
        Set<Projection> split,
        int dState,
        int dConv,
        int expand,
        boolean resetAtDocuments,
        double normEpsilon) {
    public ModelConfig {
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

    /** Dense Mamba at a scale, with the block's usual sizes. */
    public static ModelConfig dense(Scale scale, int vocabulary, int modalities) {
        return new ModelConfig(scale.dModel(), scale.blocks(), vocabulary, modalities, Set.of(), 16, 4, 2, true, 1e-5);
    }

    /** Mixture-of-Mamba at a scale: all four projections split. */
    public static ModelConfig mixture(Scale scale, int vocabulary, int modalities) {
        return dense(scale, vocabulary, modalities).withSplit(EnumSet.allOf(Projection.class));
    }

    public ModelConfig withSplit(Set<Projection> projections) {
        return new ModelConfig(
                dModel,
                blocks,
                vocabulary,
                modalities,
                projections,
                dState,
                dConv,
                expand,
                resetAtDocuments,
                normEpsilon);
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
}
