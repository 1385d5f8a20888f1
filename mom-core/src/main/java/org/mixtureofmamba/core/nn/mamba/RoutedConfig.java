package org.mixtureofmamba.core.nn.mamba;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.nn.Block;
import org.mixtureofmamba.core.nn.Parameters;

/**
 * A Mixture-of-Mamba whose experts a learned router chooses, not the modality: as many experts as there are modalities.
 *
 * @param mamba the mixture whose projections are the experts
 * @param balance the weight of the load-balancing loss
 */
public record RoutedConfig(MambaConfig mamba, double balance) implements ModelConfig {
    public RoutedConfig {
        if (!(balance >= 0)) {
            throw new UserException("the weight of the load-balancing loss must be 0 or more, not " + balance);
        }
    }

    @Override
    public int dModel() {
        return mamba.dModel();
    }

    @Override
    public int blocks() {
        return mamba.blocks();
    }

    @Override
    public int vocabulary() {
        return mamba.vocabulary();
    }

    @Override
    public int modalities() {
        return mamba.modalities();
    }

    @Override
    public boolean resetAtDocuments() {
        return mamba.resetAtDocuments();
    }

    @Override
    public double normEpsilon() {
        return mamba.normEpsilon();
    }

    @Override
    public boolean tieEmbeddings() {
        return mamba.tieEmbeddings();
    }

    @Override
    public Block block(int index, Backend backend, Parameters parameters, String prefix) {
        return new RoutedBlock(backend, parameters, prefix, this);
    }
}
