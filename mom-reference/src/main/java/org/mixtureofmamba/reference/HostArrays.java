package org.mixtureofmamba.reference;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Copies between tensors in host memory and ND4J arrays, which are always float64 matrices [rows, columns]. */
final class HostArrays {
    private HostArrays() {}

    /** A tensor's elements as a matrix of their own; a vector becomes one row. */
    static INDArray read(Tensor tensor) {
        return Nd4j.createFromArray(elements(tensor)).reshape('c', tensor.rows(), tensor.columns());
    }

    private static double[] elements(Tensor tensor) {
        if (tensor.dtype() != DType.FLOAT64) {
            return tensor.toDoubles();
        }
        int columns = tensor.columns();
        var values = new double[Math.toIntExact(tensor.size())];
        var memory = tensor.segment();
        for (int row = 0; row < tensor.rows(); row++) {
            MemorySegment.copy(
                    memory,
                    ValueLayout.JAVA_DOUBLE_UNALIGNED,
                    row * tensor.rowStride() * Double.BYTES,
                    values,
                    row * columns,
                    columns);
        }
        return values;
    }

    /** The integers of a tensor, row by row. */
    static int[] readInts(Tensor tensor) {
        var values = new int[Math.toIntExact(tensor.size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (int) tensor.get(i / tensor.columns(), i % tensor.columns());
        }
        return values;
    }

    /** tensor = array, element by element in order of rows. */
    static void overwrite(Tensor tensor, INDArray array) {
        if (array.length() != tensor.size()) {
            throw new IllegalArgumentException("%d elements for a tensor %s".formatted(array.length(), tensor.shape()));
        }
        var values = array.dup('c').data().asDouble();
        int columns = tensor.columns();
        if (tensor.dtype() == DType.FLOAT64) {
            var memory = tensor.segment();
            for (int row = 0; row < tensor.rows(); row++) {
                MemorySegment.copy(
                        values,
                        row * columns,
                        memory,
                        ValueLayout.JAVA_DOUBLE_UNALIGNED,
                        row * tensor.rowStride() * Double.BYTES,
                        columns);
            }
        } else {
            for (int i = 0; i < values.length; i++) {
                tensor.set(i / columns, i % columns, values[i]);
            }
        }
    }

    /** tensor += array. */
    static void add(Tensor tensor, INDArray array) {
        overwrite(tensor, read(tensor).addi(array.reshape('c', tensor.rows(), tensor.columns())));
    }

    /** tensor = array or tensor += array. */
    static void write(Tensor tensor, Write write, INDArray array) {
        switch (write) {
            case OVERWRITE -> overwrite(tensor, array);
            case ADD -> add(tensor, array);
        }
    }
}
