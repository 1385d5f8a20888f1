package org.mixtureofmamba.reference;

import java.util.List;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

/** out = x · Wᵀ on the rows of each slab, W the slab's own. */
final class Linear {
    private Linear() {}

    static void forward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        for (int slab = 0; slab < slabs.count(); slab++) {
            if (slabs.size(slab) > 0) {
                var product = HostArrays.read(rows(x, slabs, slab))
                        .mmul(HostArrays.read(weights.get(slab)).transpose());
                HostArrays.overwrite(rows(out, slabs, slab), product);
            }
        }
    }

    /** out = residual + x · Wᵀ; residual may be {@code out}. */
    static void forwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        var before = HostArrays.read(residual);
        forward(x, weights, slabs, out);
        HostArrays.add(out, before);
    }

    /** gradX = or += gradOut · W; gradW = or += gradOutᵀ · x. */
    static void backward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights,
            Write writeWeights) {
        for (int slab = 0; slab < slabs.count(); slab++) {
            if (slabs.size(slab) > 0) {
                var grad = HostArrays.read(rows(gradOut, slabs, slab));
                HostArrays.write(
                        gradWeights.get(slab),
                        writeWeights,
                        grad.transpose().mmul(HostArrays.read(rows(x, slabs, slab))));
                var product = grad.mmul(HostArrays.read(weights.get(slab)));
                HostArrays.write(rows(gradX, slabs, slab), writeX, product);
            }
        }
    }

    private static Tensor rows(Tensor tensor, Slabs slabs, int slab) {
        return tensor.rows(slabs.start(slab), slabs.end(slab));
    }
}
