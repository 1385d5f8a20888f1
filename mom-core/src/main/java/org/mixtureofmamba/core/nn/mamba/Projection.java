package org.mixtureofmamba.core.nn.mamba;

/** The four projections of a Mamba block that Mixture-of-Mamba can split by modality. */
public enum Projection {
    IN("in_proj"),
    X("x_proj"),
    DT("dt_proj"),
    OUT("out_proj");

    private final String key;

    Projection(String key) {
        this.key = key;
    }

    /** The official module name. */
    public String key() {
        return key;
    }
}
