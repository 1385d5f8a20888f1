package org.mixtureofmamba.core.nn;

import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Tensor;

/** One trained tensor: a name, a shape, and where it lies in the flat buffers of its {@link Parameters}. */
public final class Parameter {
    private final Parameters owner;
    private final String name;
    private final Shape shape;
    private final Kind kind;
    private final Initializer initializer;
    long offset = -1;

    /** In which type an operation reads a parameter, and whether weight decay applies. */
    enum Kind {
        /** A weight of matrix products or a table. */
        WORKING(true),
        /** A convolution's weight: read in the accumulation type. */
        SENSITIVE_DECAYED(true),
        /** A norm, a bias, A or D: read in the accumulation type. */
        SENSITIVE(false);

        private final boolean decays;

        Kind(boolean decays) {
            this.decays = decays;
        }
    }

    Parameter(Parameters owner, String name, Shape shape, Kind kind, Initializer initializer) {
        this.owner = owner;
        this.name = name;
        this.shape = shape;
        this.kind = kind;
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
        return kind.decays;
    }

    Initializer initializer() {
        return initializer;
    }

    /** The element of the flat buffers after its last. */
    long end() {
        return offset + shape.size();
    }

    /** What operations read. */
    public Tensor value() {
        return in(kind == Kind.WORKING ? owner.working() : owner.master());
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
