package org.mixtureofmamba.core.backend.cuda;

import java.util.List;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.MatrixProducts.Use;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

/** Projections: x · Wᵀ, one product for each modality's slab of rows. Nothing is gathered, scattered, masked or waited for. */
final class SlabProjection {
    private final MatrixProducts products;

    SlabProjection(MatrixProducts products) {
        this.products = products;
    }

    void forward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        for (int slab = 0; slab < slabs.count(); slab++) {
            products.multiply(
                    rows(x, slabs, slab), Use.PLAIN, weights.get(slab), Use.TRANSPOSED, rows(out, slabs, slab));
        }
    }

    void forwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        for (int slab = 0; slab < slabs.count(); slab++) {
            products.multiplyAdd(
                    rows(x, slabs, slab),
                    Use.PLAIN,
                    weights.get(slab),
                    Use.TRANSPOSED,
                    rows(residual, slabs, slab),
                    rows(out, slabs, slab));
        }
    }

    void backward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights) {
        for (int slab = 0; slab < slabs.count(); slab++) {
            if (slabs.size(slab) == 0) {
                continue;
            }
            var gradOutSlab = rows(gradOut, slabs, slab);
            var gradXSlab = rows(gradX, slabs, slab);
            var weight = weights.get(slab);
            switch (writeX) {
                case OVERWRITE -> products.multiply(gradOutSlab, Use.PLAIN, weight, Use.PLAIN, gradXSlab);
                case ADD -> products.multiplyAdd(gradOutSlab, Use.PLAIN, weight, Use.PLAIN, gradXSlab, gradXSlab);
            }
            var gradWeight = gradWeights.get(slab);
            products.multiplyAdd(
                    gradOutSlab, Use.TRANSPOSED, rows(x, slabs, slab), Use.PLAIN, gradWeight, gradWeight);
        }
    }

    private static Tensor rows(Tensor tensor, Slabs slabs, int slab) {
        return tensor.rows(slabs.start(slab), slabs.end(slab));
    }
}
