package org.mixtureofmamba.core.backend.reference;

import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * out = SiLU(v), v[l] = bias + Σ_k weight[·, k] · x[l - (K-1) + k]. The sum is over K shifted copies of x; a tap that
 * would reach before the document's start reads zero.
 */
final class CausalConv {
    private CausalConv() {}

    static void forward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Tensor out) {
        HostArrays.overwrite(out, Activations.silu(sum(x, weight, bias, SequenceOrder.of(layout))));
    }

    /** gradX overwritten; gradWeight, gradBias accumulate. */
    static void backward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias) {
        var order = SequenceOrder.of(layout);
        var value = HostArrays.read(x);
        var taps = HostArrays.read(weight).transpose(); // [K, E]
        var gradSum = HostArrays.read(gradOut).muli(Activations.siluDerivative(sum(x, weight, bias, order)));
        int kernel = weight.columns();
        var gradValue = Nd4j.zerosLike(value);
        var gradTaps = Nd4j.create(taps.dataType(), taps.rows(), taps.columns());
        for (int k = 0; k < kernel; k++) {
            int distance = kernel - 1 - k;
            gradValue.addi(rowsOrZero(gradSum, order.rowsAfter(distance)).muliRowVector(taps.getRow(k, true)));
            gradTaps.putRow(
                    k,
                    rowsOrZero(value, order.rowsBefore(distance)).muli(gradSum).sum(true, 0));
        }
        HostArrays.overwrite(gradX, gradValue);
        HostArrays.add(gradWeight, gradTaps.transpose());
        HostArrays.add(gradBias, gradSum.sum(true, 0));
    }

    private static INDArray sum(Tensor x, Tensor weight, Tensor bias, SequenceOrder order) {
        var value = HostArrays.read(x);
        var taps = HostArrays.read(weight).transpose(); // [K, E]
        int kernel = weight.columns();
        var sum = Nd4j.zerosLike(value).addiRowVector(HostArrays.read(bias));
        for (int k = 0; k < kernel; k++) {
            sum.addi(rowsOrZero(value, order.rowsBefore(kernel - 1 - k)).muliRowVector(taps.getRow(k, true)));
        }
        return sum;
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
