package org.mixtureofmamba.core.nn;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * All parameters of a model in one flat buffer each for master weights, their working copy and gradients, so that the
 * optimizer, clipping and checkpoints are each one pass. Those that decay come first. Layers {@link #declare} what they
 * need; {@link #allocate} then lays them out.
 */
public final class Parameters implements AutoCloseable {
    /** Elements; every parameter starts at a multiple, so that vector loads and matrix products are aligned. */
    private static final long ALIGNMENT = 128;
    /** Elements; what initialisation holds in host memory, but for one parameter. */
    private static final long DRAWN_AT_ONCE = 1L << 26;

    private final Backend backend;
    private final Map<String, Parameter> byName = new LinkedHashMap<>();
    private final List<Tensor> buffers = new ArrayList<>();
    private long decayed;

    public Parameters(Backend backend) {
        this.backend = backend;
    }

    /** A parameter read in the backend's type, with weight decay. */
    public Parameter declare(String name, Initializer initializer, long... extents) {
        return declare(name, Parameter.Precision.WORKING, initializer, extents);
    }

    /** A parameter read in the accumulation type, without weight decay. */
    public Parameter declareSensitive(String name, Initializer initializer, long... extents) {
        return declare(name, Parameter.Precision.MASTER, initializer, extents);
    }

    private Parameter declare(String name, Parameter.Precision precision, Initializer initializer, long... extents) {
        if (!buffers.isEmpty()) {
            throw new IllegalStateException("parameters are laid out already");
        }
        var parameter = new Parameter(this, name, Shape.of(extents), precision, initializer);
        if (byName.put(name, parameter) != null) {
            throw new IllegalArgumentException("two parameters are named " + name);
        }
        return parameter;
    }

    /** Lays out and allocates the buffers: weights and gradients zero. */
    public void allocate() {
        LongUnaryOperator align = n -> (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        long size = 0;
        for (boolean decays : new boolean[] {true, false}) {
            for (var parameter : all()) {
                if (parameter.decays() == decays) {
                    parameter.offset = size;
                    size = align.applyAsLong(size + parameter.shape().size());
                }
            }
            decayed = decays ? size : decayed;
        }
        var memory = backend.memory();
        // In rows, since a model may have more parameters than one row has columns.
        var flat = new long[] {size / ALIGNMENT, ALIGNMENT};
        buffers.add(memory.zeros("master weights", backend.accumulationType(), flat));
        buffers.add(memory.zeros("gradients", backend.accumulationType(), flat));
        if (backend.dtype() != backend.accumulationType()) {
            buffers.add(memory.zeros("weights", backend.dtype(), flat));
        }
    }

    /**
     * Draws every parameter from its initializer. The draw of a parameter depends on the seed and its name alone, not
     * on what other parameters there are.
     */
    public void initialise(long seed) {
        var waiting = new ArrayList<Parameter>();
        long drawn = 0;
        for (var parameter : all()) {
            waiting.add(parameter);
            drawn += parameter.shape().size();
            if (drawn > DRAWN_AT_ONCE) {
                initialise(waiting, seed);
                waiting.clear();
                drawn = 0;
            }
        }
        initialise(waiting, seed);
        refreshWorkingCopy();
    }

    /** Draws on all processors, then copies. */
    private void initialise(List<Parameter> some, long seed) {
        try (var arena = Arena.ofShared()) {
            var values = some.parallelStream()
                    .map(parameter -> draw(
                            parameter,
                            seed,
                            Tensor.onHost(
                                    arena,
                                    backend.accumulationType(),
                                    parameter.shape().toArray())))
                    .toList();
            for (int i = 0; i < values.size(); i++) {
                backend.memory().copy(values.get(i), some.get(i).master());
            }
        }
    }

    private static Tensor draw(Parameter parameter, long seed, Tensor values) {
        var random = new SplittableRandom(
                seed * 0x9E3779B97F4A7C15L + parameter.name().hashCode());
        var initializer = parameter.initializer();
        var memory = values.segment();
        int columns = values.columns();
        long i = 0;
        for (long row = 0; row < values.rows(); row++) {
            for (int column = 0; column < columns; column++, i++) {
                double value = initializer.value(row, column, random);
                switch (values.dtype()) {
                    case FLOAT64 -> memory.setAtIndex(ValueLayout.JAVA_DOUBLE, i, value);
                    case FLOAT32 -> memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
                    case BFLOAT16, INT32 -> throw new IllegalStateException("no master weights of " + values.dtype());
                }
            }
        }
        return values;
    }

    /** After master weights were set from outside. */
    public void refreshWorkingCopy() {
        if (working() != master()) {
            backend.memory().copy(master(), working());
        }
    }

    public List<Parameter> all() {
        return List.copyOf(byName.values());
    }

    /** Flat, in the accumulation type. */
    public Tensor master() {
        return buffers.get(0);
    }

    /** Flat, in the accumulation type. */
    public Tensor grad() {
        return buffers.get(1);
    }

    /** Flat, in the backend's type; the master itself where the types are equal. */
    public Tensor working() {
        return buffers.size() > 2 ? buffers.get(2) : master();
    }

    /** How many elements, from the start of the flat buffers, weight decay applies to. */
    public long decayed() {
        return decayed;
    }

    /** How many numbers are trained. */
    public long count() {
        return all().stream().mapToLong(parameter -> parameter.shape().size()).sum();
    }

    @Override
    public void close() {
        buffers.forEach(buffer -> backend.memory().free(buffer.storage()));
        buffers.clear();
    }
}
