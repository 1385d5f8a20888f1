package org.mixtureofmamba.core.backend.cuda.op;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.backend.cuda.op.GroupedProducts.Product;
import org.mixtureofmamba.core.backend.cuda.op.GroupedSlabs.Chunks;
import org.mixtureofmamba.core.backend.cuda.op.GroupedSlabs.Factor;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Gradients of a projection's weights for all slabs in one launch, and one more that sums their parts:
 * grouped_product.cu.
 */
public final class GroupedWeightGradients implements AutoCloseable {
    /** {@code struct Sum}: two addresses and six integers. */
    private static final int SUM_BYTES = 2 * Long.BYTES + 6 * Integer.BYTES;

    private final GroupedSlabs slabs;
    private final DeviceMemory memory;
    private final int pairsOfBlocks;
    private final Map<Integer, Kernel> byTileColumns;
    private final Kernel sumChunks;
    private final Tensor parts;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment sums = arena.allocate((long) GroupedSlabs.MOST * SUM_BYTES, Long.BYTES);

    public GroupedWeightGradients(Kernels.Module module, GroupedSlabs slabs, DeviceMemory memory, int pairsOfBlocks) {
        this.slabs = slabs;
        this.memory = memory;
        this.pairsOfBlocks = pairsOfBlocks;
        this.byTileColumns = Map.of(
                64, module.kernel("groupedGradW64"),
                128, module.kernel("groupedGradW128"),
                256, module.kernel("groupedGradW256"));
        this.sumChunks = module.kernel("sumChunks");
        this.parts = memory.zeros("parts of gradients", DType.FLOAT32, WeightGradientPlan.PARTS_BYTES / Float.BYTES);
    }

    /**
     * out = leftᵀ · right or out = out + leftᵀ · right for each slab.
     *
     * @param products left [tokens, features], right [tokens, in], out [features, in] float32
     * @return false where single products do better; then nothing is done
     */
    boolean compute(List<Product> products, Write write) {
        if (products.size() > GroupedSlabs.MOST) {
            return false;
        }
        var largestFirst = products.stream()
                .sorted(Comparator.comparingLong(
                                (Product product) -> product.left().rows())
                        .reversed())
                .toList();
        var out = products.getFirst().out();
        int features = Math.toIntExact(out.rows());
        int[] steps =
                largestFirst.stream().mapToInt(GroupedWeightGradients::steps).toArray();
        var plan = WeightGradientPlan.of(features, out.columns(), steps, pairsOfBlocks);
        plan.ifPresent(found -> compute(found, largestFirst, write == Write.ADD));
        return plan.isPresent();
    }

    private static int steps(Product product) {
        return Math.ceilDiv(Math.toIntExact(product.left().rows()), GroupedSlabs.INNER);
    }

    private void compute(WeightGradientPlan plan, List<Product> products, boolean adds) {
        slabs.clear();
        long used = 0;
        for (int i = 0; i < products.size(); i++) {
            var product = products.get(i);
            if (plan.isCut()) {
                used += addParts(plan, product, used, i, adds);
            } else {
                addWhole(plan, product, adds);
            }
        }
        slabs.launch(byTileColumns.get(plan.tileColumns()), pairsOfBlocks);
        if (plan.isCut()) {
            var out = products.getFirst().out();
            int rows = Math.toIntExact(plan.transposed() ? out.columns() : out.rows());
            int columns = Math.toIntExact(plan.transposed() ? out.rows() : out.columns());
            sumChunks
                    .grid(sumChunks.blocks(columns), sumChunks.blocks(rows), products.size())
                    .with(sums)
                    .launchOverlapping();
        }
    }

    private void addWhole(WeightGradientPlan plan, Product product, boolean adds) {
        int steps = steps(product);
        var out = product.out();
        slabs.add(
                new Factor(product.left(), GroupedSlabs.INNER),
                new Factor(product.right(), GroupedSlabs.INNER / 2),
                out,
                out,
                Math.toIntExact(out.rows()),
                plan.tileColumns(),
                steps,
                Chunks.one(steps),
                adds);
    }

    /** Adds a product whose parts lie from element {@code from} on, and returns how many elements they take. */
    private long addParts(WeightGradientPlan plan, Product product, long from, int slab, boolean adds) {
        var down = plan.transposed() ? product.right() : product.left();
        var across = plan.transposed() ? product.left() : product.right();
        int rows = down.columns();
        int columns = across.columns();
        int steps = steps(product);
        int chunks = Math.ceilDiv(steps, plan.chunk());
        int rowsOfChunk = WeightGradientPlan.rowsOfChunk(rows);
        var part = new Tensor(
                DType.FLOAT32, Shape.of((long) chunks * rowsOfChunk, columns), parts.storage(), from, columns);
        slabs.add(
                new Factor(down, GroupedSlabs.INNER),
                new Factor(across, GroupedSlabs.INNER / 2),
                part,
                part,
                rows,
                plan.tileColumns(),
                steps,
                new Chunks(plan.chunk(), rowsOfChunk),
                false);
        var sum = sums.asSlice((long) slab * SUM_BYTES, SUM_BYTES);
        sum.set(ValueLayout.JAVA_LONG, 0, product.out().deviceAddress());
        sum.set(ValueLayout.JAVA_LONG, Long.BYTES, part.deviceAddress());
        int[] numbers = {rows, columns, rowsOfChunk, chunks, adds ? 1 : 0, plan.transposed() ? 1 : 0};
        MemorySegment.copy(numbers, 0, sum, ValueLayout.JAVA_INT, 2 * Long.BYTES, numbers.length);
        return part.size();
    }

    @Override
    public void close() {
        memory.free(parts.storage());
        arena.close();
    }
}
