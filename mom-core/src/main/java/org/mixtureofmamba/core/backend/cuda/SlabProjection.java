package org.mixtureofmamba.core.backend.cuda;

import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.MatrixProducts.Use;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

/** Projections: x · Wᵀ, one product for each modality's slab of rows. Nothing is gathered, scattered, masked or waited for. */
final class SlabProjection {
    /** A product of about 50 microseconds on an H100. */
    private static final long LEAST_FLOPS_BESIDE = 30_000_000_000L;

    private final MatrixProducts products;

    SlabProjection(MatrixProducts products) {
        this.products = products;
    }

    void forward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        forEach(slabs, x.columns(), out.columns(), slab -> products.multiply(
                rows(x, slabs, slab), Use.PLAIN, weights.get(slab), Use.TRANSPOSED, rows(out, slabs, slab)));
    }

    void forwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        forEach(slabs, x.columns(), out.columns(), slab -> products.multiplyAdd(
                rows(x, slabs, slab),
                Use.PLAIN,
                weights.get(slab),
                Use.TRANSPOSED,
                rows(residual, slabs, slab),
                rows(out, slabs, slab)));
    }

    void backward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights) {
        forEach(slabs, x.columns(), gradOut.columns(), slab -> {
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
        });
    }

    /**
     * The largest slab on the working stream, the others beside it: their few blocks fit where the large product's last wave leaves
     * multiprocessors idle. Where the products are small, the two streams' waiting for each other would cost more than that.
     */
    private void forEach(Slabs slabs, long in, long out, IntConsumer work) {
        var present = IntStream.range(0, slabs.count())
                .filter(slab -> slabs.size(slab) > 0)
                .boxed()
                .sorted(Comparator.comparingInt(slabs::size).reversed())
                .toList();
        if (present.isEmpty()) {
            return;
        }
        var others = present.subList(1, present.size());
        long largest = slabs.size(present.getFirst());
        if (others.isEmpty() || 2 * largest * in * out < LEAST_FLOPS_BESIDE) {
            present.forEach(work::accept);
        } else {
            products.beside(() -> work.accept(present.getFirst()), () -> others.forEach(work::accept));
        }
    }

    private static Tensor rows(Tensor tensor, Slabs slabs, int slab) {
        return tensor.rows(slabs.start(slab), slabs.end(slab));
    }
}
