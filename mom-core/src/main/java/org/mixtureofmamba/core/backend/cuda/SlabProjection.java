package org.mixtureofmamba.core.backend.cuda;

import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

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
        forEach(slabs, slab -> List.of(() -> products.multiply(
                rows(x, slabs, slab), Use.PLAIN, weights.get(slab), Use.TRANSPOSED, rows(out, slabs, slab))));
    }

    void forwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        forEach(slabs, slab -> List.of(() -> products.multiplyAdd(
                rows(x, slabs, slab),
                Use.PLAIN,
                weights.get(slab),
                Use.TRANSPOSED,
                rows(residual, slabs, slab),
                rows(out, slabs, slab))));
    }

    void backward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights) {
        forEach(slabs, slab -> List.of(
                () -> {
                    var gradXSlab = rows(gradX, slabs, slab);
                    switch (writeX) {
                        case OVERWRITE -> products.multiply(
                                rows(gradOut, slabs, slab), Use.PLAIN, weights.get(slab), Use.PLAIN, gradXSlab);
                        case ADD -> products.multiplyAdd(
                                rows(gradOut, slabs, slab), Use.PLAIN, weights.get(slab), Use.PLAIN, gradXSlab, gradXSlab);
                    }
                },
                () -> products.multiplyAdd(
                        rows(gradOut, slabs, slab),
                        Use.TRANSPOSED,
                        rows(x, slabs, slab),
                        Use.PLAIN,
                        gradWeights.get(slab),
                        gradWeights.get(slab))));
    }

    /** The products of every slab that has rows, those of the smaller slabs beside the largest's. */
    private void forEach(Slabs slabs, IntFunction<List<Runnable>> productsOf) {
        var present = IntStream.range(0, slabs.count())
                .filter(slab -> slabs.size(slab) > 0)
                .boxed()
                .sorted(Comparator.comparingInt(slabs::size).reversed())
                .toList();
        var small = present.stream().skip(1).flatMap(slab -> productsOf.apply(slab).stream()).toList();
        present.stream().limit(1).forEach(largest -> products.beside(productsOf.apply(largest), small));
    }

    private static Tensor rows(Tensor tensor, Slabs slabs, int slab) {
        return tensor.rows(slabs.start(slab), slabs.end(slab));
    }
}
