package org.mixtureofmamba.core.nn;

import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Tensor;

/** One trained tensor: a name, a shape, and where it lies in the flat buffers of its {@link Parameters}. */
public final class Parameter {
    private final Parameters owner;
    private final String name;
    private final Shape shape;
    private final Precision precision;
    private final Initializer initializer;
    long offset = -1;

    /** In which type an operation reads it, and with it whether weight decay applies. */
    public enum Precision {
        /** A weight of matrix products or a table: read in the backend's type, decays. */
        WORKING,
        /** A norm, a bias, A or D: read in the accumulation type, does not decay. */
        MASTER
    }

    Parameter(Parameters owner, String name, Shape shape, Precision precision, Initializer initializer) {
        this.owner = owner;
        this.name = name;
        this.shape = shape;
        this.precision = precision;
        this.initializer = initializer;
    }

    /** The official key, as {@code backbone.layers.0.mixer.in_proj.weight}. */
    public String name() {
        return name;
    }

    public Shape shape() {
        return shape;
    }

    public boolean decays() {
        return precision == Precision.WORKING;
    }

    Initializer initializer() {
        return initializer;
    }

    /** What operations read. */
    public Tensor value() {
        return in(precision == Precision.WORKING ? owner.working() : owner.master());
    }

    /** What the optimizer updates and checkpoints hold. */
    public Tensor master() {
        return in(owner.master());
    }

    public Tensor grad() {
        return in(owner.grad());
    }

    /** This parameter's part of a flat buffer laid out as the parameters are. */
    public Tensor in(Tensor flat) {
        return new Tensor(flat.dtype(), shape, flat.storage(), flat.offset() + offset, shape.columns());
    }
}
