package org.mixtureofmamba.reference;

import java.util.Optional;

import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * out = SiLU(v), v[l] = bias + Σ_k weight[·, k] · x[l - (K-1) + k]. The sum is over K shifted copies of the inputs,
 * which are the rows of x and behind them those that were carried here; a tap that would reach before the document's
 * start reads zero.
 */
final class CausalConv {
    private final SequenceOrder order;
    private final int kernel;
    private final INDArray inputs; // [T + B·(K-1), E]
    private final INDArray taps; // [K, E]
    private final INDArray bias; // [1, E]

    private CausalConv(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Optional<Tensor> before) {
        this.order = SequenceOrder.of(layout, before.isPresent());
        this.kernel = weight.columns();
        this.taps = HostArrays.read(weight).transpose();
        this.bias = HostArrays.read(bias);
        var rows = HostArrays.read(x);
        int carried = order.batch() * (kernel - 1);
        this.inputs = carried == 0
                ? rows
                : Nd4j.vstack(
                        rows,
                        before.map(HostArrays::read)
                                .orElseGet(() -> Nd4j.zeros(rows.dataType(), carried, rows.columns())));
    }

    static void forward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Carry carry, Tensor out) {
        var conv = new CausalConv(x, weight, bias, layout, carry.before());
        HostArrays.overwrite(out, Activations.silu(conv.sum()));
        if (conv.kernel > 1) {
            carry.after().ifPresent(after -> HostArrays.overwrite(after, rowsOrZero(conv.inputs, conv.carriedOn())));
        }
    }

    static void backward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Carry carry,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias,
            Write write,
            Carry gradCarry) {
        var conv = new CausalConv(x, weight, bias, layout, carry.before());
        var gradSum = HostArrays.read(gradOut).muli(Activations.siluDerivative(conv.sum()));
        HostArrays.write(gradWeight, write, conv.gradTaps(gradSum).transpose());
        HostArrays.write(gradBias, write, gradSum.sum(true, 0));

        var gradInputs = conv.gradInputs(gradSum);
        if (conv.kernel > 1) {
            gradCarry
                    .after()
                    .ifPresent(after -> gradInputs.addi(rowsOrZero(
                            HostArrays.read(after), SequenceOrder.inverse(conv.carriedOn(), gradInputs.rows()))));
        }
        int tokens = gradSum.rows();
        HostArrays.overwrite(gradX, rows(gradInputs, 0, tokens));
        if (conv.kernel > 1) {
            gradCarry
                    .before()
                    .ifPresent(before -> HostArrays.overwrite(before, rows(gradInputs, tokens, gradInputs.rows())));
        }
    }

    /** v [T, E]. */
    private INDArray sum() {
        var sum = Nd4j.zeros(inputs.dataType(), order.rowOf().length, inputs.columns())
                .addiRowVector(bias);
        for (int k = 0; k < kernel; k++) {
            sum.addi(rowsOrZero(inputs, readBy(k)).muliRowVector(taps.getRow(k, true)));
        }
        return sum;
    }

    private INDArray gradTaps(INDArray gradSum) {
        var gradTaps = Nd4j.create(taps.dataType(), taps.rows(), taps.columns());
        for (int k = 0; k < kernel; k++) {
            gradTaps.putRow(k, rowsOrZero(inputs, readBy(k)).muli(gradSum).sum(true, 0));
        }
        return gradTaps;
    }

    private INDArray gradInputs(INDArray gradSum) {
        var gradInputs = Nd4j.zerosLike(inputs);
        for (int k = 0; k < kernel; k++) {
            var readers = SequenceOrder.inverse(readBy(k), inputs.rows());
            gradInputs.addi(rowsOrZero(gradSum, readers).muliRowVector(taps.getRow(k, true)));
        }
        return gradInputs;
    }

    /** For each row of x the input that a tap reads. */
    private int[] readBy(int tap) {
        return order.rowsBefore(kernel - 1 - tap, kernel - 1);
    }

    /** For each row of what sequences carry on the input it is a copy of. */
    private int[] carriedOn() {
        return order.lastRows(kernel - 1);
    }

    private static INDArray rows(INDArray matrix, int from, int to) {
        return matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }

    /** Row i is {@code matrix}'s row {@code rows[i]}, or zeros for {@link SequenceOrder#NONE}. */
    private static INDArray rowsOrZero(INDArray matrix, int[] rows) {
        var zeros = Nd4j.zeros(matrix.dataType(), 1, matrix.columns());
        var shifted = new int[rows.length];
        for (int i = 0; i < rows.length; i++) {
            shifted[i] = rows[i] + 1;
        }
        return Nd4j.pullRows(Nd4j.vstack(zeros, matrix), 1, shifted);
    }
}
