package org.mixtureofmamba.core.backend.cuda.op;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.op.GroupedProducts.Product;
import org.mixtureofmamba.core.backend.cuda.op.MatrixProducts.Use;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Projections: x · Wᵀ, one product for each modality's slab of rows, all of them in one launch where the card has a
 * kernel for that. Nothing is gathered, scattered, masked or waited for.
 */
public final class SlabProjection {
    private final MatrixProducts library;
    private final Optional<GroupedProducts> grouped;

    /** @param grouped absent where the card or the precision has no such kernel */
    public SlabProjection(MatrixProducts library, Optional<GroupedProducts> grouped) {
        this.library = library;
        this.grouped = grouped;
    }

    public void forward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        forward(products(x, weights, slabs, Optional.empty(), out));
    }

    public void forwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        forward(products(x, weights, slabs, Optional.of(residual), out));
    }

    private void forward(List<Product> products) {
        if (suitGrouped(products)) {
            grouped.orElseThrow().forward(products);
        } else {
            products.forEach(product -> multiply(product, Use.TRANSPOSED));
        }
    }

    public void backward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights,
            Write writeWeights) {
        var addend = switch (writeX) {
            case OVERWRITE -> Optional.<Tensor>empty();
            case ADD -> Optional.of(gradX);
        };
        var products = products(gradOut, weights, slabs, addend, gradX);
        if (suitGrouped(products)) {
            grouped.orElseThrow().gradX(products);
        } else {
            products.forEach(product -> multiply(product, Use.PLAIN));
        }
        var gradients = new ArrayList<Product>();
        for (int slab : present(slabs)) {
            gradients.add(new Product(
                    rows(gradOut, slabs, slab), rows(x, slabs, slab), Optional.empty(), gradWeights.get(slab)));
        }
        if (!suitGrouped(gradients) || !grouped.orElseThrow().gradW(gradients, writeWeights)) {
            gradients.forEach(product -> library.multiply(
                    product.left(), Use.TRANSPOSED, product.right(), Use.PLAIN, product.out(), writeWeights));
        }
    }

    private boolean suitGrouped(List<Product> products) {
        return grouped.isPresent() && !products.isEmpty() && products.stream().allMatch(Product::isSuited);
    }

    private void multiply(Product product, Use useRight) {
        if (product.addend().isPresent()) {
            library.multiplyAdd(
                    product.left(),
                    Use.PLAIN,
                    product.right(),
                    useRight,
                    product.addend().get(),
                    product.out());
        } else {
            library.multiply(product.left(), Use.PLAIN, product.right(), useRight, product.out());
        }
    }

    /** left · weight (+ addend), of every slab that has rows. */
    private static List<Product> products(
            Tensor left, List<Tensor> weights, Slabs slabs, Optional<Tensor> addend, Tensor out) {
        var products = new ArrayList<Product>();
        for (int slab : present(slabs)) {
            products.add(new Product(
                    rows(left, slabs, slab),
                    weights.get(slab),
                    addend.map(tensor -> rows(tensor, slabs, slab)),
                    rows(out, slabs, slab)));
        }
        return products;
    }

    private static int[] present(Slabs slabs) {
        return IntStream.range(0, slabs.count())
                .filter(slab -> slabs.size(slab) > 0)
                .toArray();
    }

    private static Tensor rows(Tensor tensor, Slabs slabs, int slab) {
        return tensor.rows(slabs.start(slab), slabs.end(slab));
    }
}
