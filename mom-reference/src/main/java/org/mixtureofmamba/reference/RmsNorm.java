package org.mixtureofmamba.reference;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.ops.transforms.Transforms;

/** out = x · r · weight, r = 1 / sqrt(mean(x²) + epsilon) (Zhang &amp; Sennrich 2019, eq. 4). */
final class RmsNorm {
    private RmsNorm() {}

    static void forward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        var value = HostArrays.read(x);
        var r = Transforms.sqrt(value.mul(value).mean(true, 1).addi(epsilon), false)
                .rdivi(1); // [T, 1]
        HostArrays.overwrite(inverseRms, r);
        HostArrays.overwrite(out, value.muliColumnVector(r).muliRowVector(HostArrays.read(weight)));
    }

    /** With n = x · r and g = gradOut · weight: gradX += r · (g - n · mean(g · n)), gradWeight += Σ_t gradOut · n. */
    static void backward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight, Write write) {
        var grad = HostArrays.read(gradOut);
        var r = HostArrays.read(inverseRms).reshape('c', x.rows(), 1);
        var normed = HostArrays.read(x).muliColumnVector(r);
        HostArrays.write(gradWeight, write, grad.mul(normed).sum(true, 0));
        var gradNormed = grad.muliRowVector(HostArrays.read(weight));
        var along = gradNormed.mul(normed).mean(true, 1); // [T, 1]
        HostArrays.add(gradX, gradNormed.subi(normed.muliColumnVector(along)).muliColumnVector(r));
    }
}
