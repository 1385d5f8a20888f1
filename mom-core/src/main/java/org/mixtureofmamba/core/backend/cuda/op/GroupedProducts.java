package org.mixtureofmamba.core.backend.cuda.op;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.kernel.TensorMaps;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.backend.cuda.op.GroupedSlabs.Chunks;
import org.mixtureofmamba.core.backend.cuda.op.GroupedSlabs.Factor;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The products of a projection for all slabs in one launch: grouped_product.cu. A mixture's projection so costs what a
 * dense one costs, for any sizes of slabs. For cards of architecture sm_90 and bf16.
 */
public final class GroupedProducts implements AutoCloseable {
    private static final int BLOCK_ROWS = GroupedSlabs.PAIR_ROWS / 2;

    private final int pairsOfBlocks;
    private final GroupedSlabs slabs = new GroupedSlabs();
    private final List<Kernel> forward;
    private final Kernel forwardAdd;
    private final List<Kernel> gradX;
    private final Kernel gradXAdd;
    private final GroupedWeightGradients gradW;

    /**
     * One slab's product of two matrices: out = left · right (+ addend), a factor transposed where the method says so.
     */
    public record Product(Tensor left, Tensor right, Optional<Tensor> addend, Tensor out) {
        boolean isSuited() {
            return Stream.concat(Stream.of(left, right, out), addend.stream()).allMatch(TensorMaps::describes);
        }
    }

    public GroupedProducts(Kernels kernels, DeviceMemory memory, int multiprocessors) {
        this.pairsOfBlocks = multiprocessors / 2;
        var module = kernels.module("grouped_product.cu");
        this.forward = Stream.of("groupedForward64", "groupedForward96", "groupedForward128", "groupedForward256")
                .map(module::kernel)
                .toList();
        this.forwardAdd = module.kernel("groupedForwardAdd256");
        this.gradX = Stream.of("groupedGradX64", "groupedGradX128", "groupedGradX256")
                .map(module::kernel)
                .toList();
        this.gradXAdd = module.kernel("groupedGradXAdd256");
        this.gradW = new GroupedWeightGradients(module, slabs, memory, pairsOfBlocks);
    }

    /** out = left · rightᵀ (+ addend) for each slab; all or none have addends. */
    public void forward(List<Product> products) {
        var kernel = addend(products) ? forwardAdd : narrowest(forward, products);
        launch(products, kernel, kernel.units() / 2); // each block of a pair copies half of the columns
    }

    /** out = left · right (+ addend) for each slab; all or none have addends. */
    public void gradX(List<Product> products) {
        var kernel = addend(products) ? gradXAdd : narrowest(gradX, products);
        launch(products, kernel, GroupedSlabs.INNER / 2); // each block of a pair copies half of the inner steps
    }

    /**
     * out = leftᵀ · right or out = out + leftᵀ · right for each slab, float32.
     *
     * @return false where single products do better; then nothing is done
     */
    public boolean gradW(List<Product> products, Write write) {
        return gradW.compute(products, write);
    }

    private static boolean addend(List<Product> products) {
        return products.getFirst().addend.isPresent();
    }

    /** The kernel with the fewest columns a tile that does with one tile across, or that of the widest. */
    private static Kernel narrowest(List<Kernel> kernels, List<Product> products) {
        long columns = products.getFirst().out.columns();
        return kernels.stream()
                .filter(kernel -> columns <= kernel.units())
                .findFirst()
                .orElse(kernels.getLast());
    }

    private void launch(List<Product> products, Kernel kernel, int tileRowsOfRight) {
        var largestFirst = products.stream()
                .sorted(Comparator.comparingLong((Product product) -> product.out.rows())
                        .reversed())
                .toList();
        for (int from = 0; from < largestFirst.size(); from += GroupedSlabs.MOST) {
            slabs.clear();
            for (var product : largestFirst.subList(from, Math.min(from + GroupedSlabs.MOST, largestFirst.size()))) {
                int steps = Math.ceilDiv(product.left.columns(), GroupedSlabs.INNER);
                slabs.add(
                        new Factor(product.left, BLOCK_ROWS),
                        new Factor(product.right, tileRowsOfRight),
                        product.addend.orElse(product.out),
                        product.out,
                        Math.toIntExact(product.out.rows()),
                        kernel.units(),
                        steps,
                        Chunks.one(steps),
                        false);
            }
            slabs.launch(kernel, pairsOfBlocks);
        }
    }

    @Override
    public void close() {
        slabs.close();
        gradW.close();
    }
}
