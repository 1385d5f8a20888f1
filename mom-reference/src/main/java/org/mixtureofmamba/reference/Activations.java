package org.mixtureofmamba.reference;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** The elementwise functions inside convolution and scan, with their derivatives; arguments are left as they are. */
final class Activations {
    private Activations() {}

    /** 1 / (1 + exp(-v)), also the derivative of {@link #softplus}. */
    static INDArray sigmoid(INDArray v) {
        return Transforms.sigmoid(v, true);
    }

    /** log(1 + exp(v)), computed as max(v, 0) + log1p(exp(-|v|)), which neither overflows nor loses small values. */
    static INDArray softplus(INDArray v) {
        return Transforms.max(v, 0, true)
                .addi(Nd4j.math().log1p(Transforms.exp(Transforms.abs(v, true).negi(), false)));
    }

    /** v · sigmoid(v). */
    static INDArray silu(INDArray v) {
        return sigmoid(v).muli(v);
    }

    /** s · (1 + v · (1 - s)), s = sigmoid(v). */
    static INDArray siluDerivative(INDArray v) {
        var s = sigmoid(v);
        return s.rsub(1).muli(v).addi(1).muli(s);
    }
}
