package org.mixtureofmamba.reference;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.Bfloat16;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The tensors of one call of an operation on one backend. A tensor's contents depend on its name alone and are rounded
 * to the types of the backend under test, so that a desk of the reference and one of that backend hold equal numbers.
 * What an operation is to write holds NaN first; what it is to add to, or leave alone, holds random numbers. Both are
 * compared afterwards.
 */
final class Desk implements AutoCloseable {
    /** What a backend left in a tensor. */
    record Result(DType dtype, double[] values) {}

    private final Backend backend;
    private final Backend tested;
    private final List<Tensor> owned = new ArrayList<>();
    private final Map<String, Tensor> written = new LinkedHashMap<>();

    /**
     * @param backend where the tensors lie
     * @param tested whose types their contents are rounded to
     */
    Desk(Backend backend, Backend tested) {
        this.backend = backend;
        this.tested = tested;
    }

    Backend backend() {
        return backend;
    }

    TokenBatch place(TokenBatch batch) {
        return backend.place(batch).arrived();
    }

    /** Activations or weights of matrix products, standard normal. */
    Tensor activation(String name, long... extents) {
        return random(name, 1, backend.dtype(), tested.dtype(), extents);
    }

    /** Integers to be read. */
    Tensor integers(int... values) {
        return hold(DType.INT32, Tensor.ofInts(values));
    }

    /** Weights of matrix products, N(0, deviation). */
    Tensor weight(String name, double deviation, long... extents) {
        return random(name, deviation, backend.dtype(), tested.dtype(), extents);
    }

    /** Parameters that are few but sensitive, N(0, deviation). */
    Tensor sensitive(String name, double deviation, long... extents) {
        return random(name, deviation, backend.accumulationType(), tested.accumulationType(), extents);
    }

    /** An activation to be overwritten. */
    Tensor output(String name, long... extents) {
        return recorded(name, filled(backend.dtype(), () -> Double.NaN, extents));
    }

    /** Something of the accumulation type to be overwritten. */
    Tensor statistic(String name, long... extents) {
        return recorded(name, filled(backend.accumulationType(), () -> Double.NaN, extents));
    }

    /**
     * Columns {@code from} to {@code to} of an activation [rows, columns], to be overwritten; the others are to stay as
     * they are.
     */
    Tensor outputColumns(String name, long rows, int columns, int from, int to) {
        var random = new SplittableRandom(name.hashCode());
        var values = new double[Math.toIntExact(rows * columns)];
        for (int i = 0; i < values.length; i++) {
            double value = round(random.nextGaussian(), tested.dtype());
            values[i] = i % columns >= from && i % columns < to ? Double.NaN : value;
        }
        return recorded(name, hold(backend.dtype(), Tensor.ofDoubles(values).reshape(rows, columns)))
                .columns(from, to);
    }

    /** An activation's gradient to be added to. */
    Tensor accumulatedActivation(String name, long... extents) {
        return recorded(name, activation(name, extents));
    }

    /** A parameter's gradient or optimizer state to be added to or updated. */
    Tensor accumulated(String name, long... extents) {
        return recorded(name, sensitive(name, 1, extents));
    }

    /** A parameter's gradient, to be added to or to be overwritten. */
    Tensor gradient(String name, Write write, long... extents) {
        return write == Write.ADD ? accumulated(name, extents) : statistic(name, extents);
    }

    /** The same, not negative. */
    Tensor accumulatedSquares(String name, long... extents) {
        var random = new SplittableRandom(name.hashCode());
        DoubleSupplier square = () -> round(Math.abs(random.nextGaussian()), tested.accumulationType());
        return recorded(name, filled(backend.accumulationType(), square, extents));
    }

    /** Float64 sums to be added to. */
    Tensor sums(String name, int count) {
        return recorded(name, random(name, 1, DType.FLOAT64, DType.FLOAT64, count));
    }

    /** A float64 number to be overwritten. */
    Tensor number(String name) {
        return recorded(name, filled(DType.FLOAT64, () -> Double.NaN, 1));
    }

    /** Compares {@code tensor} afterwards too. */
    Tensor recorded(String name, Tensor tensor) {
        written.put(name, tensor);
        return tensor;
    }

    /** What the recorded tensors hold now. */
    Map<String, Result> results() {
        backend.synchronize();
        var results = new LinkedHashMap<String, Result>();
        written.forEach((name, tensor) -> {
            var values = Tensor.ofDoubles(new double[Math.toIntExact(tensor.size())])
                    .reshape(tensor.shape().toArray());
            backend.memory().copy(tensor, values);
            results.put(name, new Result(tensor.dtype(), values.toDoubles()));
        });
        return results;
    }

    private Tensor random(String name, double deviation, DType dtype, DType roundedTo, long... extents) {
        var random = new SplittableRandom(name.hashCode());
        return filled(dtype, () -> round(deviation * random.nextGaussian(), roundedTo), extents);
    }

    private Tensor filled(DType dtype, DoubleSupplier next, long... extents) {
        var host = Draw.zeros(extents);
        for (long i = 0; i < host.size(); i++) {
            host.set(i / host.columns(), i % host.columns(), next.getAsDouble());
        }
        return hold(dtype, host);
    }

    private Tensor hold(DType dtype, Tensor host) {
        var tensor = backend.memory().zeros("a test", dtype, host.shape().toArray());
        owned.add(tensor);
        backend.memory().copy(host, tensor);
        return tensor;
    }

    static double round(double value, DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> value;
            case FLOAT32 -> (float) value;
            case BFLOAT16 -> Bfloat16.toFloat(Bfloat16.of((float) value));
            case INT32 -> (int) value;
        };
    }

    @Override
    public void close() {
        owned.forEach(tensor -> backend.memory().free(tensor.storage()));
    }
}
