package org.mixtureofmamba.core.nn;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.StepSchedule.Span;
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
    /** How many parameters were declared when each part began. */
    private final List<Integer> parts = new ArrayList<>();

    private long decayed;

    public Parameters(Backend backend) {
        this.backend = backend;
    }

    /** A parameter read in the backend's type, with weight decay. */
    public Parameter declare(String name, Initializer initializer, long... extents) {
        return declare(name, Parameter.Kind.WORKING, initializer, extents);
    }

    /** A parameter read in the accumulation type, without weight decay. */
    public Parameter declareSensitive(String name, Initializer initializer, long... extents) {
        return declare(name, Parameter.Kind.SENSITIVE, initializer, extents);
    }

    /** A parameter read in the accumulation type, with weight decay. */
    public Parameter declareSensitiveDecayed(String name, Initializer initializer, long... extents) {
        return declare(name, Parameter.Kind.SENSITIVE_DECAYED, initializer, extents);
    }

    private Parameter declare(String name, Parameter.Kind kind, Initializer initializer, long... extents) {
        if (!buffers.isEmpty()) {
            throw new IllegalStateException("parameters are laid out already");
        }
        var parameter = new Parameter(this, name, Shape.of(extents), kind, initializer);
        if (byName.put(name, parameter) != null) {
            throw new IllegalArgumentException("two parameters are named " + name);
        }
        return parameter;
    }

    /** The parameters that are declared from now on until the next part begins. */
    public Part beginPart() {
        parts.add(byName.size());
        return new Part(parts.size() - 1);
    }

    /**
     * A block, an embedding or a head, as far as its parameters decay: the others, which are few, are behind all parts.
     */
    public final class Part {
        private final int index;

        private Part(int index) {
            this.index = index;
        }

        /** Where it lies in the flat buffers, once they are laid out. */
        public Span span() {
            var all = all();
            int end = index + 1 < parts.size() ? parts.get(index + 1) : all.size();
            var own = all.subList(parts.get(index), end).stream()
                    .filter(Parameter::decays)
                    .toList();
            return own.isEmpty()
                    ? new Span(0, 0)
                    : new Span(own.getFirst().offset, aligned(own.getLast().end()));
        }
    }

    private static long aligned(long elements) {
        return (elements + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Lays out and allocates the buffers: weights and gradients zero. */
    public void allocate() {
        long size = 0;
        for (boolean decays : new boolean[] {true, false}) {
            for (var parameter : all()) {
                if (parameter.decays() == decays) {
                    parameter.offset = size;
                    size = aligned(parameter.end());
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

    /**
     * A stream of its own for each seed and name, from their digest: a seed that enters a generator's state by
     * arithmetic can give streams that are each other's, shifted.
     */
    private static SplittableRandom stream(long seed, String name) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(ByteBuffer.allocate(Long.BYTES).putLong(seed).array());
            return new SplittableRandom(ByteBuffer.wrap(digest.digest(name.getBytes(StandardCharsets.UTF_8)))
                    .getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static Tensor draw(Parameter parameter, long seed, Tensor values) {
        var random = stream(seed, parameter.name());
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
